"""The undo that a dataset was changed by last: a review goes back to what it is about."""

from dataclasses import dataclass

import sqlalchemy as sa

from core.store import database, schema


@dataclass(frozen=True, kw_only=True)
class Undone:
    """An undo by its revision, and the items of the edit that it took back, by id."""

    revision: int
    item_ids: tuple[int, ...]


def find_newest(dataset_id: str) -> Undone | None:
    """Find the undo that is a dataset's newest revision; None where that is something else."""
    log, edits = schema.revisions, schema.edits
    newest = sa.select(log.c.revision, log.c.kind, log.c.target_revision)
    newest = newest.where(log.c.dataset_id == dataset_id).order_by(log.c.revision.desc()).limit(1)
    with database.reading() as connection:
        entry = connection.execute(newest).one_or_none()
        if entry is None or entry.kind != "undo":
            return None
        query = sa.select(edits.c.item_id).where(
            edits.c.dataset_id == dataset_id, edits.c.revision == entry.target_revision
        )
        found = tuple(connection.execute(query.order_by(edits.c.item_id)).scalars())
    return Undone(revision=entry.revision, item_ids=found)
