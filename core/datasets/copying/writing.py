"""A clean copy of what is in use, as folders that others read: the work of a task "copy".

Files are copied or get a second name as they are, byte by byte; nothing of the dataset changes.
"""

import contextlib
import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.datasets import pacing, splits
from core.datasets.applying.placing import LeftError
from core.datasets.catalog import registry
from core.datasets.catalog.filters import in_status
from core.datasets.catalog.queries import with_parts
from core.datasets.copying import one_file, places, tables
from core.datasets.pacing import Reporter
from core.domain.errors import InputError, StoreError
from core.domain.items import Dataset
from core.domain.values import Frozen
from core.store import database, files, schema

LABELS = "labels.csv"
"""Beside the images where an image has several labels, so that no folder can be its class."""

IMAGES = "images"
MOST_TOLD = 500


class Wish(Frozen):
    """What a copy is to be like."""

    folder: str
    with_parts: bool = True  # train, valid and test above the class folders
    hard_links: bool = False  # a second name of each file instead of a copy
    table: tables.Format | None = "csv"  # of the items, beside the folders


def run(dataset_id: str, wish: Wish, lease: Reporter) -> dict[str, Any] | None:
    """Write the copy and give it in numbers; None where it was stopped, and nothing is left.

    Raises FolderError for a folder that cannot be written to as a new one, InputError where no
    image is in use, and StoreError where the disk refuses; what was written is removed then, too.
    """
    dataset = registry.get(dataset_id)
    target = places.checked_target(wish.folder)
    rows = _rows(dataset_id)
    if not rows:
        raise InputError(
            f"No image of {dataset.name} is in use.", hint="Bring some back, then copy again."
        )
    copy = _Copy(dataset, target, wish)
    try:
        copy.begin()
        is_whole = copy.write(rows, lease)
        result = copy.end(rows) if is_whole else None
    except BaseException:
        copy.remove()
        raise
    if result is None:
        copy.remove()
    return result


class _Copy:
    """A copy being written, which knows what of it is its own."""

    def __init__(self, dataset: Dataset, target: Path, wish: Wish) -> None:
        self._dataset, self._target, self._wish = dataset, target, wish
        self._root = Path(dataset.root)
        self._names = places.FreeNames()
        self._class_of: dict[str, str] = {}
        self._file_of: dict[int, str] = {}  # item id -> path below the target
        self._made: list[Path] = []  # folders, the outer before the inner ones
        self._counts: Counter[str] = Counter()
        self._left: list[tuple[str, str]] = []

    def begin(self) -> None:
        """Make the folder."""
        self._make(self._target)

    def write(self, rows: Sequence[Any], lease: Reporter) -> bool:
        """Write every file; false where somebody asked to stop."""
        if not self._dataset.is_multi_label:
            self._class_of = places.class_folders({row.label for row in rows})
        pace = pacing.Pace(lease, len(rows), "Writing files")
        for row in rows:
            if lease.should_stop():
                return False
            self._one(row)
            pace.step()
        pace.report()
        return True

    def end(self, rows: Sequence[Any]) -> dict[str, Any]:
        """Write the tables, and give what was done in numbers."""
        if self._dataset.is_multi_label:
            files.write_with(self._target / LABELS, lambda part: self._labels(part, rows))
        if self._wish.table:
            frame = tables.items(self._dataset.id)
            copied = frame["item_id"].map(self._file_of)
            path = self._target / tables.NAMES[self._wish.table]
            tables.save(frame.assign(file=copied), path)
        return {
            "folder": str(self._target),
            "n_written": len(self._file_of),
            **{f"n_{name}": self._counts[name] for name in ("linked", "copied", "renamed")},
            "n_bytes": self._counts["bytes"],
            "n_left": self._counts["left"],
            "left": self._left,
            "odd_classes": [[a, b] for a, b in self._class_of.items() if a != b][:MOST_TOLD],
        }

    def remove(self) -> None:
        """Take away what was written, and the folders that nothing else lies in."""
        extra = [self._target / name for name in (LABELS, *tables.NAMES.values())]
        for path in (*(self._target / one for one in self._file_of.values()), *extra):
            path.unlink(missing_ok=True)
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):  # somebody put a file there meanwhile
                folder.rmdir()

    def _one(self, row: Any) -> None:
        wanted = f"{self._folder(row)}/{row.path.rpartition('/')[2]}"
        path = self._names.take(wanted)
        place = self._target / path
        self._make(place.parent)
        try:
            how = one_file.put(self._root, row, place, link=self._wish.hard_links)
        except LeftError as error:
            self._counts["left"] += 1
            if len(self._left) < MOST_TOLD:
                self._left.append((row.path, error.reason))
            return
        self._file_of[row.id] = path
        self._counts[how] += 1
        self._counts["bytes"] += row.size_bytes
        self._counts["renamed"] += path != wanted

    def _folder(self, row: Any) -> str:
        """Give the folder of an item: part, class, or both; images that have no part are train."""
        part = [row.part or "train"] if self._wish.with_parts else []
        kind = [] if self._dataset.is_multi_label else [self._class_of[row.label]]
        return "/".join([*part, *kind]) or IMAGES

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        try:
            if folder != self._target:
                self._make(folder.parent)
            folder.mkdir()
            self._made.append(folder)
        except OSError as error:
            raise StoreError(
                f"The folder {folder} could not be made: {error.strerror or error}.",
                hint="Name a folder that Winnow may write to.",
            ) from error

    def _labels(self, part: Path, rows: Sequence[Any]) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("file", "labels", "part"))
            written = (row for row in rows if row.id in self._file_of)
            writer.writerows((self._file_of[row.id], row.label, row.part) for row in written)


def _rows(dataset_id: str) -> Sequence[Any]:
    """Give the items in use with their part in the master split, by path."""
    table = schema.items
    master = splits.get_master(dataset_id)
    query = (
        sa.select(table, schema.assignments.c.part)
        .select_from(with_parts(master.id if master else None))
        .where(table.c.dataset_id == dataset_id, in_status("in_use"))
        .order_by(table.c.path)
    )
    with database.reading() as connection:
        return connection.execute(query).all()
