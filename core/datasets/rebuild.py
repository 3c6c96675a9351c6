"""Any revision of a dataset, rebuilt from the log: edits folded, later scans taken back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.domain import edits as rules
from core.domain.edits import Edit, History, ItemState, Revision
from core.store import schema

PENDING = 2**31 - 1
"""The revision of what a scan has read but not closed yet: later than every revision there is."""

AT_ONCE = 5000
"""How many rows are fetched together: one by one takes twice as long."""

_REMEMBERED = ("path", "recorded_label", "status", "content_hash")


_Row = tuple[str, str, str, str | None]
"""An item as it is being taken back in time: path, recorded label, status, content hash.

Plain tuples, of which a hundred thousand cost the garbage collector nothing.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastItem:
    """An item as it was at a revision; `in_use` is what a run could train on."""

    item_id: int
    path: str
    label: str
    in_use: bool
    content_hash: str | None


def log(connection: sa.Connection, dataset_id: str, *, until: int | None = None) -> list[Revision]:
    """Read a dataset's log in order, up to and with a revision."""
    table = schema.revisions
    query = sa.select(table.c.revision, table.c.kind, table.c.target_revision)
    query = query.where(table.c.dataset_id == dataset_id).order_by(table.c.revision)
    if until is not None:
        query = query.where(table.c.revision <= until)
    return [
        Revision(revision=row.revision, kind=row.kind, target_revision=row.target_revision)
        for row in connection.execute(query)
    ]


def states(
    connection: sa.Connection,
    dataset_id: str,
    recorded: dict[int, str],
    *,
    until: int | None = None,
) -> dict[int, ItemState]:
    """Fold the edits in force at a revision over the recorded labels of some items."""
    in_force = rules.history(log(connection, dataset_id, until=until))
    unedited = {label: ItemState(label=label) for label in set(recorded.values())}
    found = {item_id: unedited[label] for item_id, label in recorded.items()}
    for edit in edits_of(connection, dataset_id, in_force):
        if edit.item_id in found:
            found[edit.item_id] = rules.apply(found[edit.item_id], edit)
    return found


def edits_of(connection: sa.Connection, dataset_id: str, in_force: History) -> Iterable[Edit]:
    """Give the edits in force, oldest first."""
    done = frozenset(in_force.done)
    table = schema.edits
    query = sa.select(table).where(table.c.dataset_id == dataset_id).order_by(table.c.revision)
    for row in connection.execute(query):
        if row.revision in done:
            yield Edit(revision=row.revision, item_id=row.item_id, kind=row.kind, label=row.label)


def open_items(connection: sa.Connection, dataset_id: str) -> set[int]:
    """Give the items that an open scan has added or changed: they may have no group yet."""
    table = schema.scan_changes
    query = sa.select(table.c.item_id).where(
        table.c.dataset_id == dataset_id,
        table.c.revision == PENDING,
        table.c.kind.in_(("added", "changed")),
    )
    return set(connection.execute(query).scalars())


def items_at(connection: sa.Connection, dataset_id: str, revision: int) -> Iterator[PastItem]:
    """Give all items that existed at a revision, as they were, sorted by path.

    All is read before it returns; the items are made one by one, as they are asked for.
    """
    rows = _rows(connection, dataset_id)
    for item_id, before in _changes_after(connection, dataset_id, revision):
        if before is None:  # it was added later
            rows.pop(item_id, None)
        else:
            rows[item_id] = tuple(before[name] for name in _REMEMBERED)
    recorded = {item_id: label for item_id, (_path, label, _status, _hash) in rows.items()}
    folded = states(connection, dataset_id, recorded, until=revision)
    by_path = sorted(rows, key=lambda item_id: rows[item_id][0])
    return (_past(item_id, rows[item_id], folded[item_id]) for item_id in by_path)


def _past(item_id: int, row: _Row, state: ItemState) -> PastItem:
    path, _recorded, status, content_hash = row
    return PastItem(
        item_id=item_id,
        path=path,
        label=state.label,
        in_use=status == "ok" and not state.excluded,
        content_hash=content_hash,
    )


def _rows(connection: sa.Connection, dataset_id: str) -> dict[int, _Row]:
    table = schema.items
    columns = [table.c[name] for name in _REMEMBERED]
    query = sa.select(table.c.id, *columns).where(table.c.dataset_id == dataset_id)
    return {
        item_id: (path, label, status, content_hash)
        for some in connection.execute(query).partitions(AT_ONCE)
        for item_id, path, label, status, content_hash in some
    }


def _changes_after(
    connection: sa.Connection, dataset_id: str, revision: int
) -> Iterable[sa.Row[int, Any]]:
    """Give what later scans changed and how it was before, the latest change first."""
    table = schema.scan_changes
    query = sa.select(table.c.item_id, table.c.before).where(
        table.c.dataset_id == dataset_id, table.c.revision > revision
    )
    return connection.execute(query.order_by(table.c.revision.desc()))
