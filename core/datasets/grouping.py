"""Keep the groups of equal and nearly equal images up to date after a scan has read files."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.datasets import groups, images, perceptual, rebuild, thumbnails
from core.domain.errors import WinnowError
from core.domain.items import Dataset
from core.store import database, schema

ENOUGH_PX = 2 * perceptual.TINY_PX
"""The shorter side that is enough for a 16x16 version: a thumbnail is decoded at a quarter."""


def update(dataset: Dataset) -> None:
    """Group what the open scan has added or changed; where that is nothing, nothing is loaded."""
    with database.reading() as connection:
        fresh = rebuild.open_items(connection, dataset.id)
        if not fresh:
            return
        rows = _rows(connection, dataset.id)
    changed = _without(rows.values(), fresh)
    group_of = {row.id: changed.get(row.id, row.group_id) for row in rows.values()}
    known = [_candidate(r, group_of[r.id]) for r in rows.values() if r.id not in fresh]
    new = [_candidate(r, None) for r in rows.values() if r.id in fresh]
    changed |= groups.assign(known, new, _looks(Path(dataset.root), rows))
    _store({i: g for i, g in changed.items() if rows[i].group_id != g})


def _rows(connection: sa.Connection, dataset_id: str) -> dict[int, Any]:
    table = schema.items
    columns = (table.c.id, table.c.path, table.c.content_hash, table.c.perceptual_hash)
    query = sa.select(*columns, table.c.group_id).where(
        table.c.dataset_id == dataset_id,
        table.c.status != "broken",
        table.c.perceptual_hash.is_not(None),
    )
    return {row.id: row for row in connection.execute(query.order_by(table.c.id))}


def _without(rows: Iterable[Any], fresh: set[int]) -> dict[int, int | None]:
    """Take fresh items out of their groups; a group that loses its leader gets a new one."""
    members: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.group_id is not None and row.id not in fresh:
            members[row.group_id].append(row.id)
    changed: dict[int, int | None] = {}
    for group_id, item_ids in members.items():
        if group_id in fresh:
            leader = min(item_ids) if len(item_ids) > 1 else None
            changed |= dict.fromkeys(item_ids, leader)
    return changed


def _candidate(row: Any, group_id: int | None) -> groups.Candidate:
    return groups.Candidate(
        item_id=row.id,
        content_hash=row.content_hash,
        perceptual_hash=row.perceptual_hash,
        group_id=group_id,
    )


def _looks(root: Path, rows: dict[int, Any]) -> groups.Tiny:
    def tiny(item_id: int) -> NDArray[np.uint8] | None:
        row = rows[item_id]
        try:
            path = thumbnails.find(row.content_hash)
            if path is None:
                path = thumbnails.make(root / row.path, row.content_hash)
            small = images.load(path, at_least_px=ENOUGH_PX)  # a JPEG that Winnow wrote itself
            return perceptual.tiny(small)
        except WinnowError:
            return None  # its file went or changed meanwhile: the next scan looks again

    return tiny


def _store(changed: dict[int, int | None]) -> None:
    table = schema.items
    mine = sa.update(table).where(table.c.id == sa.bindparam("item"))
    rows = [{"item": item_id, "leader": group_id} for item_id, group_id in changed.items()]
    if rows:
        with database.writing() as connection:
            connection.execute(mine.values(group_id=sa.bindparam("leader")), rows)
