"""Items by id, by page and by filter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from core.domain.errors import NotFoundError
from core.domain.items import Item, Part
from core.store import database, schema

Status = Literal["in_use", "excluded", "broken", "relabelled", "gone"]
CHUNK = 5000
"""How many ids go into one statement: SQLite takes about 32,000 values."""


@dataclass(frozen=True, kw_only=True)
class ItemFilter:
    """Which items are wanted; None: all of them. Items that are gone come only when asked for."""

    labels: tuple[str, ...] | None = None
    parts: tuple[Part, ...] | None = None
    status: Status | None = None
    name_contains: str = ""  # in the file's name, in either case


@dataclass(frozen=True, kw_only=True)
class ItemPage:
    """Some items of a longer list, and how long it is."""

    items: tuple[Item, ...]
    total: int


def classes(dataset_id: str) -> tuple[str, ...]:
    """List the current labels of readable items, sorted."""
    table = schema.items
    query = (
        sa.select(table.c.label)
        .distinct()
        .where(table.c.dataset_id == dataset_id, table.c.status == "ok")
    )
    with database.reading() as connection:
        return tuple(sorted(connection.execute(query).scalars()))


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
    """List one page of the items that a filter lets through, by label, then path."""
    table = schema.items
    where = [table.c.dataset_id == dataset_id, *_conditions(filters or ItemFilter())]
    page = _select(split_id).where(*where).order_by(table.c.label, table.c.path, table.c.id)
    count = sa.select(sa.func.count()).select_from(with_parts(split_id)).where(*where)
    with database.reading() as connection:
        rows = connection.execute(page.offset(offset).limit(limit)).all()
        total = connection.execute(count).scalar_one()
    return ItemPage(items=tuple(_item(row) for row in rows), total=total)


def broken(dataset_id: str) -> list[Item]:
    """List the files that are no readable images, by path, each with its reason."""
    table = schema.items
    query = _select(None).where(table.c.dataset_id == dataset_id, table.c.status == "broken")
    with database.reading() as connection:
        return [_item(row) for row in connection.execute(query.order_by(table.c.path))]


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


def _conditions(filters: ItemFilter) -> Iterator[sa.ColumnElement[bool]]:
    table = schema.items
    if filters.labels is not None:
        yield table.c.label.in_(filters.labels)
    if filters.parts is not None:
        yield schema.assignments.c.part.in_(filters.parts)
    if filters.name_contains:
        folder = sa.func.rtrim(table.c.path, sa.func.replace(table.c.path, "/", ""))
        name = sa.func.substr(table.c.path, sa.func.length(folder) + 1)
        yield name.icontains(filters.name_contains, autoescape=True)
    yield _in_status(filters.status)


def _in_status(status: Status | None) -> sa.ColumnElement[bool]:
    table = schema.items
    ok = table.c.status == "ok"
    by_status: dict[Status | None, sa.ColumnElement[bool]] = {
        None: table.c.status != "gone",
        "in_use": sa.and_(ok, ~table.c.excluded),
        "excluded": sa.and_(ok, table.c.excluded),
        "broken": table.c.status == "broken",
        "relabelled": sa.and_(ok, table.c.label != table.c.recorded_label),
        "gone": table.c.status == "gone",
    }
    return by_status[status]


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
        group_id=row.group_id,
    )
