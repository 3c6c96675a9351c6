"""Any revision of a dataset, rebuilt from the log: edits folded, later scans taken back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.domain import edits as rules
from core.domain.edits import Edit, History, ItemState, Revision
from core.store import schema

PENDING = 2**31 - 1
"""The revision of what a scan has read but not closed yet: later than every revision there is."""


@dataclass(kw_only=True)
class _Row:
    """An item as it is being taken back in time."""

    path: str
    recorded_label: str
    status: str
    content_hash: str | None


@dataclass(frozen=True, kw_only=True)
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
    found = {item_id: ItemState(label=label) for item_id, label in recorded.items()}
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


def items_at(connection: sa.Connection, dataset_id: str, revision: int) -> list[PastItem]:
    """Give all items that existed at a revision, as they were, sorted by path."""
    rows = _rows(connection, dataset_id)
    for change in _changes_after(connection, dataset_id, revision):
        _take_back(rows, change)
    recorded = {item_id: row.recorded_label for item_id, row in rows.items()}
    folded = states(connection, dataset_id, recorded, until=revision)
    past = [
        PastItem(
            item_id=item_id,
            path=row.path,
            label=folded[item_id].label,
            in_use=row.status == "ok" and not folded[item_id].excluded,
            content_hash=row.content_hash,
        )
        for item_id, row in rows.items()
    ]
    return sorted(past, key=lambda item: item.path)


def _rows(connection: sa.Connection, dataset_id: str) -> dict[int, _Row]:
    table = schema.items
    columns = (table.c.path, table.c.recorded_label, table.c.status, table.c.content_hash)
    query = sa.select(table.c.id, *columns)
    return {
        row.id: _Row(
            path=row.path,
            recorded_label=row.recorded_label,
            status=row.status,
            content_hash=row.content_hash,
        )
        for row in connection.execute(query.where(table.c.dataset_id == dataset_id))
    }


def _changes_after(connection: sa.Connection, dataset_id: str, revision: int) -> list[Any]:
    table = schema.scan_changes
    query = sa.select(table.c.item_id, table.c.before).where(
        table.c.dataset_id == dataset_id, table.c.revision > revision
    )
    return list(connection.execute(query.order_by(table.c.revision.desc())))


def _take_back(rows: dict[int, _Row], change: Any) -> None:
    if change.before is None:  # it was added later
        rows.pop(change.item_id, None)
        return
    row = rows[change.item_id]
    row.path = change.before["path"]
    row.recorded_label = change.before["recorded_label"]
    row.status = change.before["status"]
    row.content_hash = change.before["content_hash"]
