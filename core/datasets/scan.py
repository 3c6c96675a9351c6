"""Bring the catalog up to date with a folder: the work of a task of kind "scan".

Files are compared by path, size and time of change first; only what differs is opened, in
children with limits. What was read is stored in batches, so that a killed scan goes on where it
was; the end of the scan makes one revision of all that changed.
"""

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from core.datasets import (
    catalog,
    changes,
    comparison,
    decoding,
    folders,
    grouping,
    labelling,
    reporting,
    snapshot,
    splits,
)
from core.datasets.catalog import registry
from core.datasets.changes import Change
from core.datasets.comparison import Comparison
from core.datasets.urls import downloads
from core.domain.errors import ConflictError, FolderError
from core.domain.items import Dataset
from core.store import clock, database, locks, schema

BATCH = 400
BATCH_SECONDS = 1.0
FILES_PER_CHILD = 32
"""A child takes a third of a second to start: so many files are read meanwhile."""


class Reporter(Protocol):
    """What a scan needs of its lease."""

    def report(self, **columns: Any) -> None:
        """Set progress columns."""

    def should_stop(self) -> bool:
        """Say whether a person asked for an end."""


def run(dataset_id: str, lease: Reporter) -> dict[str, Any] | None:
    """Scan a dataset's folder and give the result in numbers, or None when it was stopped.

    Raises FolderError where the root is gone, empty or unreadable, and LabellerError where labels
    cannot be read, as when the table is not there any more; nothing is marked gone then.
    Raises ConflictError where another scan of the dataset is under way.
    """
    dataset = registry.get(dataset_id)
    busy = ConflictError(
        "This dataset is being scanned already.",
        hint="Wait for that scan to end, then scan again if files have changed since.",
    )
    with locks.alone(f"scan-{dataset_id}", busy=busy):
        return _scan(dataset, lease)


def _scan(dataset: Dataset, lease: Reporter) -> dict[str, Any] | None:
    began = time.monotonic()
    lease.report(message="Listing files")
    listing = folders.walk(dataset.root)
    listing_hash = snapshot.digest(dataset, listing)
    if listing_hash == snapshot.find(dataset.id):
        return _unchanged(dataset, began)
    labels = labelling.reader(dataset.labeller, dataset.root)
    found = comparison.compare(dataset.id, listing, labels)
    check_root(dataset, found)
    snapshot.forget(dataset.id)
    _store(dataset.id, found.seen)
    if not _read(dataset, found, lease):
        return None
    _store(dataset.id, tuple(found.gone()))
    lease.report(message="Comparing images")
    grouping.update(dataset)
    counted = _close(dataset, found.ignored)
    reporting.write(dataset, labels)
    snapshot.keep(dataset.id, listing_hash)
    return _result(dataset.id, Counter(counted), found.ignored, began)


def _unchanged(dataset: Dataset, began: float) -> dict[str, Any]:
    """End a scan of a folder that is exactly as the last one left it."""
    mine = sa.update(schema.datasets).where(schema.datasets.c.id == dataset.id)
    with database.writing() as connection:
        _store_ranks(connection, dataset)
        connection.execute(mine.values(scanned_at=clock.now()))
    return _result(dataset.id, Counter(), dataset.ignored, began)


def _result(
    dataset_id: str, counted: Counter[str], ignored: dict[str, int], began: float
) -> dict[str, Any]:
    present = catalog.totals(dataset_id)
    return {
        "n_images": present.n_images + present.n_broken,
        "n_new": counted["added"],
        "n_changed": counted["changed"],
        "n_moved": counted["moved"],
        "n_labelled": counted["labelled"],
        "n_gone": counted["gone"],
        "n_back": counted["back"],
        "n_broken": present.n_broken,
        "ignored": ignored,
        "seconds": round(time.monotonic() - began, 3),
    }


def check_root(dataset: Dataset, found: Comparison) -> None:
    """Refuse a root that has become quite empty: its drive is not there, its images are."""
    if found.n_known and not any(Path(dataset.root).iterdir()):
        raise FolderError(
            f"The folder {dataset.root} is empty, but held {found.n_known:,} images before.",
            hint="Check that its drive is connected, then scan again; nothing was marked as gone.",
        )


def _read(dataset: Dataset, found: Comparison, lease: Reporter) -> bool:
    """Open the files that differ and store what they hold; false when it was stopped."""
    total = len(found.to_read)
    progress = _Progress(lease, total)
    batch: list[Change] = []
    last = time.monotonic()
    paths = [f"{dataset.root}/{one.path}" for one in found.to_read]
    n_children = min(len(os.sched_getaffinity(0)), -(-total // FILES_PER_CHILD)) or 1
    with decoding.Pool(n_children=n_children) as pool:
        for one, reading in zip(found.to_read, pool.read_all(paths), strict=True):
            change = found.change(one, reading)
            batch.append(change)
            progress.step()
            if len(batch) >= BATCH or time.monotonic() - last > BATCH_SECONDS:
                _store(dataset.id, batch)
                batch, last = [], time.monotonic()
                progress.report()
            if lease.should_stop():
                break
    _store(dataset.id, batch)
    progress.report()
    return not lease.should_stop()


def _store(dataset_id: str, found: Sequence[Change]) -> None:
    """Store changes in pieces, so that others can write in between."""
    for start in range(0, len(found), BATCH):
        with database.writing() as connection:
            changes.store(connection, dataset_id, found[start : start + BATCH])


def _close(dataset: Dataset, ignored: dict[str, int]) -> dict[str, int]:
    """Assign parts, then make all changes one revision: no revision has items without a part.

    A split that was made after `assign_new` had listed them is completed with the revision.
    """
    dataset_id = dataset.id
    if splits.get_master(dataset_id) is not None:
        splits.assign_new(dataset_id)
    elif catalog.totals(dataset_id).n_images:
        splits.make_master(dataset_id)
    table = schema.datasets
    mine = sa.update(table).where(table.c.id == dataset_id)
    with database.writing() as connection:
        splits.assign_rest(connection, dataset_id)
        _store_ranks(connection, dataset)
        counted = changes.close(connection, dataset_id)
        connection.execute(mine.values(scanned_at=clock.now(), ignored=ignored))
    return counted


def _store_ranks(connection: sa.Connection, dataset: Dataset) -> None:
    """Note where images stood in their lists; a new list may rank a file that is not new."""
    if dataset.source == "urls":
        downloads.store_ranks(connection, dataset.id)


class _Progress:
    """Counts files and says how fast it goes."""

    def __init__(self, lease: Reporter, total: int) -> None:
        self._lease = lease
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        self.report()

    def step(self) -> None:
        self._done += 1
        if self._done % 16 == 0:
            self.report()

    def report(self) -> None:
        rate = self._done / max(1e-3, time.monotonic() - self._began)
        self._lease.report(
            progress_done=self._done,
            progress_total=self._total,
            progress_rate=rate,
            remaining_seconds=(self._total - self._done) / rate if self._done else None,
            message="Reading new files",
        )
