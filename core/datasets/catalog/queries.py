"""Items by id, by page and by filter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.datasets.catalog.filters import ItemFilter, Order, conditions, order_by
from core.datasets.multilabel import is_multi_label
from core.domain import labellers
from core.domain.errors import NotFoundError
from core.domain.items import Item
from core.store import database, schema

CHUNK = 5000
"""How many ids go into one statement: SQLite takes about 32,000 values."""
AHEAD = 2000
"""How many ids are looked for before all are counted: ten pages."""
_Where = Sequence[sa.ColumnElement[Any]]


@dataclass(frozen=True, kw_only=True)
class ItemPage:
    """Some items of a longer list, and how long it is."""

    items: tuple[Item, ...]
    total: int


def classes(dataset_id: str) -> tuple[str, ...]:
    """List the current labels of readable items, each once, sorted."""
    table = schema.items
    query = (
        sa.select(table.c.label)
        .distinct()
        .where(table.c.dataset_id == dataset_id, table.c.status == "ok")
    )
    with database.reading() as connection:
        multi = is_multi_label(connection, dataset_id)
        found = connection.execute(query).scalars().all()
    return tuple(sorted({one for label in found for one in labellers.split(label, multi=multi)}))


def has_ranks(dataset_id: str) -> bool:
    """Say whether any item came from a list that ranked it."""
    table = schema.items
    ranked = sa.exists().where(table.c.dataset_id == dataset_id, table.c.rank.is_not(None))
    with database.reading() as connection:
        return bool(connection.execute(sa.select(ranked)).scalar_one())


def get_item(item_id: int, *, split_id: str | None = None) -> Item:
    """Get an item with its part in a split; raises NotFoundError."""
    found = get_items([item_id], split_id=split_id)
    if item_id not in found:
        raise NotFoundError(f"There is no image {item_id}.", hint="Go back to the gallery.")
    return found[item_id]


def get_items(item_ids: Sequence[int], *, split_id: str | None = None) -> dict[int, Item]:
    """Get several items by id; ids that name nothing are left out."""
    found: dict[int, Item] = {}
    with database.reading() as connection:
        for some in chunks(item_ids):
            query = _select(split_id).where(schema.items.c.id.in_(some))
            found |= {row.id: _item(row) for row in connection.execute(query)}
    return {item_id: found[item_id] for item_id in item_ids if item_id in found}


def list_items(
    dataset_id: str,
    *,
    filters: ItemFilter | None = None,
    split_id: str | None = None,
    offset: int = 0,
    limit: int = 200,
) -> ItemPage:
    """List one page of the items that a filter lets through, in its order, and count them all."""
    wanted = filters or ItemFilter()
    with database.reading() as connection:
        multi = wanted.labels is not None and is_multi_label(connection, dataset_id)
        where = list(conditions(dataset_id, wanted, split_id=split_id, multi=multi))
        ids, total = _find(connection, where, wanted.order, offset=offset, limit=limit)
        rows = connection.execute(_select(split_id).where(schema.items.c.id.in_(ids)))
        found = {row.id: _item(row) for row in rows}
    return ItemPage(items=tuple(found[item_id] for item_id in ids), total=total)


def chunks(item_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut a list of ids into pieces that one statement can take."""
    for start in range(0, len(item_ids), CHUNK):
        yield item_ids[start : start + CHUNK]


def with_parts(split_id: str | None) -> sa.FromClause:
    """Join items with their part in a split, if they have one; no split: no part matches.

    An empty id instead of NULL, for which SQLite would search all assignments for every item.
    """
    items, parts = schema.items, schema.assignments
    here = sa.and_(parts.c.item_id == items.c.id, parts.c.split_id == (split_id or ""))
    return items.outerjoin(parts, here)


def _select(split_id: str | None) -> sa.Select[Any]:
    columns = sa.select(schema.items, schema.assignments.c.part)
    return columns.select_from(with_parts(split_id))


def _find(
    connection: sa.Connection, where: _Where, order: Order, *, offset: int, limit: int
) -> tuple[list[int], int]:
    """Give the ids of a page and the number of all items: in one walk where not many pass.

    Pages further on are read from whichever end is nearer.
    """
    if offset + limit <= AHEAD:
        ids = _ids(connection, where, order_by(order), offset=0, limit=AHEAD)
        total = len(ids) if len(ids) < AHEAD else _count(connection, where)
        return ids[offset : offset + limit], total
    total = _count(connection, where)
    start = min(offset, total)
    number = min(limit, total - start)
    if start <= total // 2:
        return _ids(connection, where, order_by(order), offset=start, limit=number), total
    columns = order_by(order, backwards=True)
    ids = _ids(connection, where, columns, offset=total - start - number, limit=number)
    return ids[::-1], total


def _ids(
    connection: sa.Connection, where: _Where, order: _Where, *, offset: int, limit: int
) -> list[int]:
    query = sa.select(schema.items.c.id).where(*where).order_by(*order)
    return list(connection.execute(query.offset(offset).limit(limit)).scalars())


def _count(connection: sa.Connection, where: _Where) -> int:
    query = sa.select(sa.func.count()).select_from(schema.items).where(*where)
    number: int = connection.execute(query).scalar_one()
    return number


def _item(row: Any) -> Item:
    return Item(
        id=row.id,
        dataset_id=row.dataset_id,
        path=row.path,
        label=row.label,
        recorded_label=row.recorded_label,
        recorded_part=row.recorded_part,
        excluded=row.excluded,
        status=row.status,
        reason=row.reason,
        part=row.part,
        size_bytes=row.size_bytes,
        width_px=row.width_px,
        height_px=row.height_px,
        format=row.format,
        mode=row.mode,
        is_grey=row.is_grey,
        is_misnamed=row.is_misnamed,
        rank=row.rank,
        content_hash=row.content_hash,
        decision=row.decision,
        group_id=row.group_id,
    )
