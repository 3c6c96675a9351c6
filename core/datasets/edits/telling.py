"""What the log of a dataset says: its entries in words, its sums, and labels as they were."""

from dataclasses import dataclass

import sqlalchemy as sa

from core.datasets import rebuild
from core.domain import edits as rules
from core.domain.edits import History, RevisionKind
from core.store import database, schema


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One revision in words; `in_force` is false for what an undo took back, and for undos."""

    revision: int
    kind: RevisionKind
    note: str
    created_at: float
    in_force: bool


@dataclass(frozen=True, kw_only=True)
class EditSummary:
    """How many present, readable items the edits in force exclude, relabel and keep."""

    n_excluded: int
    n_relabelled: int
    n_kept: int


def get_history(dataset_id: str) -> History:
    """Say which edits are in force and which a redo would bring back."""
    with database.reading() as connection:
        return rules.history(rebuild.log(connection, dataset_id))


def list_log(dataset_id: str, limit: int = 50) -> list[LogEntry]:
    """List what changed a dataset in words, the newest first."""
    table = schema.revisions
    query = sa.select(table).where(table.c.dataset_id == dataset_id)
    with database.reading() as connection:
        done = set(rules.history(rebuild.log(connection, dataset_id)).done)
        rows = connection.execute(query.order_by(table.c.revision.desc()).limit(limit)).all()
    return [
        LogEntry(
            revision=row.revision,
            kind=row.kind,
            note=row.note,
            created_at=row.created_at,
            in_force=row.kind == "scan" or row.revision in done,
        )
        for row in rows
    ]


def summary(dataset_id: str) -> EditSummary:
    """Count what the edits in force make of a dataset."""
    items, edits = schema.items, schema.edits
    here = sa.and_(items.c.dataset_id == dataset_id, items.c.status == "ok")
    relabelled = sa.and_(~items.c.excluded, items.c.label != items.c.recorded_label)
    columns = (
        sa.func.count().filter(items.c.excluded),
        sa.func.count().filter(relabelled),
    )
    kept = (
        sa.select(edits.c.item_id, edits.c.revision)
        .join(items, items.c.id == edits.c.item_id)
        .where(here, edits.c.dataset_id == dataset_id, edits.c.kind == "keep")
    )
    with database.reading() as connection:
        n_excluded, n_relabelled = connection.execute(sa.select(*columns).where(here)).one()
        done = set(rules.history(rebuild.log(connection, dataset_id)).done)
        rows = connection.execute(kept).all()
    n_kept = len({row.item_id for row in rows if row.revision in done})
    return EditSummary(n_excluded=n_excluded, n_relabelled=n_relabelled, n_kept=n_kept)


def label_at(dataset_id: str, revision: int) -> dict[int, str]:
    """Give the label that every item had at a revision, also of those not in use."""
    with database.reading() as connection:
        past = rebuild.items_at(connection, dataset_id, revision)
    return {item.item_id: item.label for item in past}
