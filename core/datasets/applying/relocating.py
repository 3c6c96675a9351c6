"""Tell the catalog where files went, as a scan tells it: the move itself knows whose file it was.

A scan finds a moved file by its content, and of two equal files may take the one for the other.
So the items are changed in the transaction that marks the moves, under the revision of an open
scan (`rebuild.PENDING`), and the scan that follows only closes it.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from core.datasets import changes, comparison, labelling
from core.datasets.applying.journal import Move
from core.datasets.catalog.queries import chunks
from core.datasets.changes import Change
from core.domain.items import Dataset
from core.domain.labellers import TableLabeller
from core.store import schema


def store(
    connection: sa.Connection, dataset: Dataset, moves: Sequence[Move], *, back: bool
) -> None:
    """Write into the items what was moved, or with `back` moved back.

    An item that something else has changed meanwhile is left to the scan.
    """
    rows = _rows(connection, dataset.id, [move.item_id for move in moves])
    pairs = [(rows[move.item_id], move) for move in moves if move.item_id in rows]
    tell = _back if back else _away
    found = [change for row, move in pairs if (change := tell(row, move, dataset)) is not None]
    if found:
        changes.store(connection, dataset.id, found)


def _away(row: Any, move: Move, dataset: Dataset) -> Change | None:
    if row.path != move.source or row.status == "gone":
        return None
    if move.kind == "trash":
        before = comparison.before(row)
        return Change(kind="gone", item_id=row.id, values={"status": "gone"}, before=before)
    return _moved(row, move.target, dataset)


def _back(row: Any, move: Move, dataset: Dataset) -> Change | None:
    if move.kind == "relabel":
        if row.path != move.target or row.status == "gone":
            return None
        return _moved(row, move.source, dataset)
    if row.status != "gone":
        return None
    status = {"status": "ok" if row.reason is None else "broken"}
    place = {} if row.path == move.source else _place(move.source, dataset)
    if place is None:
        return None
    values = {**status, **place}
    return Change(kind="back", item_id=row.id, values=values, before=comparison.before(row))


def _moved(row: Any, path: str, dataset: Dataset) -> Change | None:
    values = _place(path, dataset)
    if values is None:
        return None
    return Change(kind="moved", item_id=row.id, values=values, before=comparison.before(row))


def _place(path: str, dataset: Dataset) -> dict[str, Any] | None:
    """Give the columns of a file under another path; None where its label cannot be read."""
    if isinstance(dataset.labeller, TableLabeller):
        return None  # only the table says what it is
    found = labelling.reader(dataset.labeller, dataset.root).read(path)
    if isinstance(found, str):
        return None
    return {"path": path, "recorded_label": found.label, "recorded_part": found.part}


def _rows(connection: sa.Connection, dataset_id: str, item_ids: Sequence[int]) -> dict[int, Any]:
    table = schema.items
    found: dict[int, Any] = {}
    for some in chunks(item_ids):
        query = sa.select(table).where(table.c.id.in_(some), table.c.dataset_id == dataset_id)
        found |= {row.id: row for row in connection.execute(query)}
    return found
