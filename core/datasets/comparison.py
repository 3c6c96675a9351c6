"""What is known of a folder's files against what lies there now, before anything is opened.

A hundred thousand unchanged files are the ordinary case: of those only path, size and time are
read, and nothing is built for any of them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from core.datasets.catalog.queries import chunks
from core.datasets.changes import REMEMBERED, Change, Found, Kind, columns_of
from core.datasets.folders import File, Listing
from core.datasets.labelling import Label, Reader
from core.datasets.reading import Reading
from core.store import database, schema

Row = Any
"""A row of `items`."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Files to open, changes that show without opening any, and items whose file is not there."""

    to_read: tuple[Found, ...]  # by path
    seen: tuple[Change, ...]  # back as they were, or with another label
    known: dict[str, Row]  # by path, those of the files to open, also items that are gone
    missing: dict[str | None, list[Row]]  # by content hash, also items that were gone before
    n_known: int  # items that there were, gone ones too
    ignored: dict[str, int]

    def change(self, found: Found, reading: Reading) -> Change:
        """Say what a file that was read means; a missing item of the same content has moved."""
        values = columns_of(found, reading)
        row = self.known.get(found.path)
        if row is not None:
            return _of_known(row, values)
        moved = self._take_moved(found, reading.content_hash)
        if moved is None:
            return Change(kind="added", item_id=None, values=values, before=None)
        return Change(kind="moved", item_id=moved.id, values=values, before=before(moved))

    def gone(self) -> Iterator[Change]:
        """Give the items whose file is neither there nor moved; call it when all were read."""
        for rows in self.missing.values():
            for row in rows:
                if row.status != "gone":
                    values = {"status": "gone"}
                    yield Change(kind="gone", item_id=row.id, values=values, before=before(row))

    def _take_moved(self, found: Found, content_hash: str | None) -> Row | None:
        rows = self.missing.get(content_hash, []) if content_hash else []
        if not rows:
            return None
        name = found.path.rsplit("/", 1)[-1]
        same_name = (at for at, row in enumerate(rows) if row.path.endswith(f"/{name}"))
        return rows.pop(next(same_name, 0))


@dataclass(kw_only=True)
class _Sorted:
    """Files and items, sorted by what the quick look says of them."""

    fresh: list[tuple[File, Label]] = field(default_factory=list)  # never seen
    odd: list[tuple[File, Label, int]] = field(default_factory=list)  # known, and to be looked at
    missing: list[int] = field(default_factory=list)  # ids
    ignored: Counter[str] = field(default_factory=Counter)


def compare(dataset_id: str, listing: Listing, labels: Reader) -> Comparison:
    """Compare a listing with the catalog by path, size, time of change, and label."""
    known = _load_known(dataset_id)
    quick = _sort(listing, known, labels)
    rows = _load_rows([*(item_id for *_, item_id in quick.odd), *quick.missing])
    missing: dict[str | None, list[Row]] = defaultdict(list)
    for item_id in quick.missing:
        missing[rows[item_id].content_hash].append(rows[item_id])
    to_read = [_found(file, label) for file, label in quick.fresh]
    by_path: dict[str, Row] = {}
    seen: list[Change] = []
    for file, label, item_id in quick.odd:
        row, found = rows[item_id], _found(file, label)
        if _differs(row, found):
            to_read.append(found)
            by_path[found.path] = row
        elif (change := _unread(row, found)) is not None:
            seen.append(change)
    return Comparison(
        to_read=tuple(sorted(to_read, key=lambda found: found.path)),
        seen=tuple(seen),
        known=by_path,
        missing=missing,
        n_known=len(known),
        ignored=dict(sorted(quick.ignored.items())),
    )


def _sort(listing: Listing, known: dict[str, tuple[Any, ...]], labels: Reader) -> _Sorted:
    """Set the unchanged files aside: nearly all of them, in a loop that does little else."""
    sorted_ = _Sorted(ignored=Counter(listing.ignored))
    fresh, odd = sorted_.fresh, sorted_.odd
    left = known.copy()
    for file in listing.files:
        row = left.get(file[0])
        if (
            row is not None
            and labels.is_fixed
            and row[0] == file[1]
            and row[1] == file[2]
            and row[2]
        ):
            del left[file[0]]
            continue
        label = labels.read(file[0])
        if isinstance(label, str):
            sorted_.ignored[label] += 1  # a known item that lost its row is not there any more
        elif row is None:
            fresh.append((file, label))
        else:
            del left[file[0]]
            if not _is_settled(row, file, label):
                odd.append((file, label, row[3]))
    sorted_.missing = [row[3] for row in left.values()]
    return sorted_


def _is_settled(row: tuple[Any, ...], file: File, label: Label) -> bool:
    size, mtime, settled, _item_id, recorded, part = row
    same_file = size == file[1] and mtime == file[2] and settled
    return bool(same_file and recorded == label.label and part == label.part)


def is_settled() -> sa.ColumnElement[bool]:
    """Say of a row of `items` that a file which is as it was need not be looked at again."""
    table = schema.items
    return sa.and_(
        table.c.status != "gone",
        table.c.content_hash.is_not(None),
        sa.or_(table.c.status != "ok", table.c.mode.is_not(None)),
    )


def _load_known(dataset_id: str) -> dict[str, tuple[Any, ...]]:
    """Load size, time, whether all is known, id, label and part of every item, by path."""
    table = schema.items
    query = sa.select(
        table.c.path,
        table.c.size_bytes,
        table.c.mtime_ns,
        is_settled(),
        table.c.id,
        table.c.recorded_label,
        table.c.recorded_part,
    ).where(table.c.dataset_id == dataset_id)
    with database.reading() as connection:
        return {row[0]: row[1:] for row in connection.execute(query)}


def _load_rows(item_ids: Sequence[int]) -> dict[int, Row]:
    found: dict[int, Row] = {}
    with database.reading() as connection:
        for some in chunks(item_ids):
            query = sa.select(schema.items).where(schema.items.c.id.in_(some))
            found |= {row.id: row for row in connection.execute(query)}
    return found


def _found(file: File, label: Label) -> Found:
    path, size_bytes, mtime_ns = file
    return Found(
        path=path,
        label=label.label,
        part=label.part,
        size_bytes=size_bytes,
        mtime_ns=mtime_ns,
    )


def _differs(row: Row, found: Found) -> bool:
    if (row.size_bytes, row.mtime_ns) != (found.size_bytes, found.mtime_ns):
        return True
    if row.content_hash is None:
        return True  # it could not even be read: permission may be there now
    return row.reason is None and row.mode is None  # read by a version that knew less of images


def _unread(row: Row, found: Found) -> Change | None:
    """Say what changed of an item whose file is as it was."""
    values: dict[str, Any] = {}
    kind: Kind | None = None
    if row.recorded_part != found.part:
        values["recorded_part"] = found.part
    if row.recorded_label != found.label:
        values["recorded_label"], kind = found.label, "labelled"
    if row.status == "gone":
        values["status"], kind = "ok" if row.reason is None else "broken", "back"
    if not values:
        return None
    old = before(row) if kind is not None else None
    return Change(kind=kind, item_id=row.id, values=values, before=old)


def _of_known(row: Row, values: dict[str, Any]) -> Change:
    same = all(getattr(row, name) == values[name] for name in (*REMEMBERED, "reason"))
    if same:
        return Change(kind=None, item_id=row.id, values=values, before=None)
    kind: Kind = "back"
    if row.content_hash != values["content_hash"]:
        kind = "changed"
    elif row.status == values["status"]:
        kind = "labelled"
    return Change(kind=kind, item_id=row.id, values=values, before=before(row))


def before(row: Row) -> dict[str, Any]:
    """Give what a log entry remembers of an item as it was."""
    return {name: getattr(row, name) for name in REMEMBERED}
