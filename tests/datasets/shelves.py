"""Datasets in the store without a scan, and a scan without a task."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.datasets import catalog, changes, scan
from core.datasets.catalog import registry
from core.datasets.changes import Change
from core.domain.items import Item
from core.store import database, ids, schema


class Lease:
    """Stands in for a worker's lease: remembers reports, and stops after some if told to."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.reports: list[dict[str, Any]] = []
        self._stop_after = stop_after
        self._asked = 0

    def report(self, **columns: Any) -> None:
        """Remember what was reported."""
        self.reports.append(columns)

    def should_stop(self) -> bool:
        """Say yes once it was asked often enough."""
        self._asked += 1
        return self._stop_after is not None and self._asked > self._stop_after


def scanned(root: Path) -> tuple[str, dict[str, Any]]:
    """Open and scan a folder; gives the dataset's id and the scan's result."""
    dataset = registry.open_folder(str(root))
    result = scan.run(dataset.id, Lease())
    assert result is not None
    return dataset.id, result


def shelved(labels: Sequence[str]) -> tuple[str, list[int]]:
    """Register a dataset with one readable item a label; gives its id and theirs."""
    name = ids.new("shelf")
    dataset = registry.register(Path("/nowhere") / name, source="folder")
    batch = [
        Change(kind="added", item_id=None, values=columns(at, label), before=None)
        for at, label in enumerate(labels)
    ]
    with database.writing() as connection:
        changes.store(connection, dataset.id, batch)
        changes.close(connection, dataset.id)
    return dataset.id, list(by_path(dataset.id).values())


def by_path(dataset_id: str) -> dict[str, int]:
    """Give the ids of a dataset's items by their path."""
    table = schema.items
    query = sa.select(table.c.path, table.c.id).where(table.c.dataset_id == dataset_id)
    with database.reading() as connection:
        return {row.path: row.id for row in connection.execute(query.order_by(table.c.path))}


def broken(dataset_id: str) -> tuple[Item, ...]:
    """List the files that are no readable images, by label and path."""
    return catalog.list_items(dataset_id, filters=catalog.ItemFilter(status="broken")).items


def count_reads(monkeypatch: Any) -> list[str]:
    """Collect the paths that scans open from now on."""
    from core.datasets import decoding

    opened: list[str] = []
    plain: Callable[..., Any] = decoding.Pool.read_all

    def counting(pool: decoding.Pool, paths: Sequence[str]) -> Any:
        opened.extend(paths)
        return plain(pool, paths)

    monkeypatch.setattr(decoding.Pool, "read_all", counting)
    return opened


def columns(at: int, label: str) -> dict[str, Any]:
    """Make the columns of a readable item, as a scan gives them."""
    return {
        "path": f"{label}/{at:05d}.jpg",
        "recorded_label": label,
        "status": "ok",
        "reason": None,
        "size_bytes": 1000 + at,
        "mtime_ns": at,
        "width_px": 40,
        "height_px": 30,
        "format": "JPEG",
        "content_hash": f"{at:032x}",
        "perceptual_hash": at,
    }
