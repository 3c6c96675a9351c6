"""What a folder and the store hold, and the verbs that tests of applying share."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.datasets import applying, catalog, edits
from core.datasets.applying import running
from core.store import database, schema
from tests.datasets import shelves
from tests.datasets.shelves import Lease

Disk = dict[str, str]
Rows = dict[int, tuple[Any, ...]]


def on_disk(root: Path) -> Disk:
    """Give every file below a root with the hash of its content; ids are taken out of paths."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != "manifest.json":
            parts = path.relative_to(root).as_posix().split("/")
            if parts[0] == applying.TRASH:
                parts[1] = "ID"
            found["/".join(parts)] = hashlib.md5(path.read_bytes()).hexdigest()
    return found


def in_store(dataset_id: str) -> Rows:
    """Give what the catalog says of each item."""
    table = schema.items
    names = ("path", "status", "label", "recorded_label", "excluded", "decision", "content_hash")
    query = sa.select(table.c.id, *(table.c[name] for name in names))
    with database.reading() as connection:
        rows = connection.execute(query.where(table.c.dataset_id == dataset_id)).all()
    return {row[0]: tuple(row[1:]) for row in rows}


def exclude(dataset_id: str, *paths: str) -> None:
    decide(dataset_id, "exclude", paths)


def relabel(dataset_id: str, label: str, *paths: str) -> None:
    decide(dataset_id, "relabel", paths, label)


def decide(dataset_id: str, kind: str, paths: Sequence[str], label: str | None = None) -> None:
    ids = shelves.by_path(dataset_id)
    operation = f"{kind}-{label}-{paths}"
    item_ids = [ids[path] for path in paths]
    edits.apply(dataset_id, operation_id=operation, kind=kind, item_ids=item_ids, label=label)


def apply(dataset_id: str, lease: Lease | None = None) -> dict[str, Any]:
    return running.apply(dataset_id, lease or Lease(), revision=catalog.get(dataset_id).revision)


def standing(dataset_id: str) -> str:
    application = applying.find_standing(dataset_id)
    assert application is not None
    return application.id


def take_back(dataset_id: str) -> dict[str, Any]:
    return running.take_back(standing(dataset_id), Lease())
