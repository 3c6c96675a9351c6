"""What is known of a folder's files against what lies there now, before anything is opened."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.datasets.changes import REMEMBERED, Change, Kind, columns_of
from core.datasets.folders import Found, Listing
from core.datasets.reading import Reading
from core.store import database, schema

Row = Any
"""A row of `items`."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Files to open, items that are back as they were, and items whose file is not there."""

    to_read: tuple[Found, ...]
    known: dict[str, Row]  # by path, also items that are gone
    back: tuple[Change, ...]
    missing: dict[str | None, list[Row]]  # by content hash, also items that were gone before

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


def compare(dataset_id: str, listing: Listing) -> Comparison:
    """Compare a listing with the catalog by path, size and time of change."""
    table = schema.items
    query = sa.select(table).where(table.c.dataset_id == dataset_id).order_by(table.c.path)
    with database.reading() as connection:
        known = {row.path: row for row in connection.execute(query)}
    here = {found.path for found in listing.images}
    missing: dict[str | None, list[Row]] = defaultdict(list)
    for path, row in known.items():
        if path not in here:
            missing[row.content_hash].append(row)
    return Comparison(
        to_read=tuple(found for found in listing.images if _differs(found, known)),
        known=known,
        back=tuple(_back(listing, known)),
        missing=missing,
    )


def _differs(found: Found, known: dict[str, Row]) -> bool:
    row = known.get(found.path)
    if row is None or (row.size_bytes, row.mtime_ns) != (found.size_bytes, found.mtime_ns):
        return True
    return row.content_hash is None  # it could not even be read: permission may be there now


def _back(listing: Listing, known: dict[str, Row]) -> Iterator[Change]:
    for found in listing.images:
        row = known.get(found.path)
        if row is not None and row.status == "gone" and not _differs(found, known):
            status = "ok" if row.reason is None else "broken"
            values = {"status": status}
            yield Change(kind="back", item_id=row.id, values=values, before=before(row))


def _of_known(row: Row, values: dict[str, Any]) -> Change:
    same = all(getattr(row, name) == values[name] for name in (*REMEMBERED, "reason"))
    if same:
        times = {name: values[name] for name in ("size_bytes", "mtime_ns")}
        return Change(kind=None, item_id=row.id, values=times, before=None)
    kind: Kind = "changed" if row.content_hash != values["content_hash"] else "back"
    return Change(kind=kind, item_id=row.id, values=values, before=before(row))


def before(row: Row) -> dict[str, Any]:
    """Give what a log entry remembers of an item as it was."""
    return {name: getattr(row, name) for name in REMEMBERED}
