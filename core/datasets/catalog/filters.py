"""Which items are wanted, and in what order, as conditions of a query.

All that a condition reads of an item lies in one index (`ix_items_gallery`), so that a hundred
thousand items are filtered, counted and ordered without opening one of their rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

import sqlalchemy as sa

from core.domain.items import Part
from core.domain.labellers import LABEL_SEPARATOR
from core.store import schema

Status = Literal["in_use", "excluded", "broken", "relabelled", "gone"]
Copies = Literal["exact", "across_classes"]
Order = Literal["label", "rank", "smallest", "largest", "file size"]
Range = tuple[float | None, float | None]
"""From the first, below the second; None: open on that side."""

ITEMS = schema.items
LAST = 2**31 - 1
"""More than any rank, and than the pixels of any image that is read."""

AT_ONCE = 50
"""Labels in one part of a condition."""


@dataclass(frozen=True, kw_only=True)
class ItemFilter:
    """Which items are wanted; None: all of them. Items that are gone come only when asked for.

    Copies are images in use with equal content: of "exact" ones there is another one, of those
    "across_classes" there is one with another label. Orders: by label, then path; by label, then
    rank; by pixels; by bytes, the smallest file first. What an order knows nothing of comes last.
    """

    labels: tuple[str, ...] | None = None  # of a multi-label dataset: any of them
    parts: tuple[Part, ...] | None = None
    status: Status | None = None
    name_contains: str = ""  # in the file's name; of ASCII letters in either case
    formats: tuple[str, ...] | None = None
    is_grey: bool | None = None
    is_misnamed: bool | None = None
    shorter_px: Range | None = None
    aspect: Range | None = None  # width / height
    size_bytes: Range | None = None
    copies: Copies | None = None
    order: Order = "label"

    @property
    def lets_all_through(self) -> bool:
        """Say whether nothing but the items that are gone is left out."""
        return all(
            getattr(self, one.name) == one.default for one in fields(self) if one.name != "order"
        )


def conditions(
    dataset_id: str, filters: ItemFilter, *, split_id: str | None, multi: bool
) -> Iterator[sa.ColumnElement[bool]]:
    """Give what must hold of the items of a dataset that a filter lets through."""
    yield ITEMS.c.dataset_id == dataset_id
    yield in_status(filters.status)
    if filters.labels is not None:
        yield has_label(filters.labels, multi=multi)
    if filters.parts is not None:
        yield ITEMS.c.id.in_(_in_parts(split_id, filters.parts))
    if filters.name_contains:
        yield _name_contains(filters.name_contains)
    if filters.copies is not None:
        yield _is_copy(dataset_id, filters.copies)
    yield from _looks(filters)


def in_status(status: Status | None) -> sa.ColumnElement[bool]:
    """Give what a status asks of an item; None: that its file is there."""
    ok = ITEMS.c.status == "ok"
    by_status: dict[Status | None, sa.ColumnElement[bool]] = {
        None: ITEMS.c.status != "gone",
        "in_use": sa.and_(ok, ~ITEMS.c.excluded),
        "excluded": sa.and_(ok, ITEMS.c.excluded),
        "broken": ITEMS.c.status == "broken",
        "relabelled": sa.and_(ok, ITEMS.c.label != ITEMS.c.recorded_label),
        "gone": ITEMS.c.status == "gone",
    }
    return by_status[status]


def has_label(labels: tuple[str, ...], *, multi: bool) -> sa.ColumnElement[bool]:
    """Ask for one of several labels; in a multi-label dataset an item may have more beside it.

    There LIKE finds the few that may have it: it knows no difference of case where SQLite does
    it. Taking the label out then tells exactly.
    """
    if not multi:
        return ITEMS.c.label.in_(labels)
    some = [labels[at : at + AT_ONCE] for at in range(0, len(labels), AT_ONCE)]
    # a CASE each keeps the expression flat enough: SQLite takes a depth of 1000
    cases = (sa.case((sa.or_(*map(_has_one, few)), sa.true()), else_=sa.false()) for few in some)
    return sa.or_(sa.false(), *cases)


def _has_one(label: str) -> sa.ColumnElement[bool]:
    ends = LABEL_SEPARATOR
    written = sa.literal(ends) + ITEMS.c.label + sa.literal(ends)
    return sa.and_(
        ITEMS.c.label.contains(label, autoescape=True),
        sa.func.replace(written, f"{ends}{label}{ends}", "") != written,
    )


def order_by(order: Order, *, backwards: bool = False) -> list[sa.ColumnElement[Any]]:
    """Give the columns that an order sorts by, the last item first with `backwards`.

    No two items are equal: a path is there once a dataset. Where labels do not count, ids tell
    equal ones apart, which are shorter to sort by.
    """
    n_pixels = ITEMS.c.width_px * ITEMS.c.height_px
    path, number = (ITEMS.c.path, False), (ITEMS.c.id, False)
    by_order: dict[Order, list[tuple[sa.ColumnElement[Any], bool]]] = {
        "label": [(ITEMS.c.label, False), path],
        "rank": [(ITEMS.c.label, False), (sa.func.coalesce(ITEMS.c.rank, LAST), False), path],
        "smallest": [(sa.func.coalesce(n_pixels, LAST), False), number],
        "largest": [(sa.func.coalesce(n_pixels, 0), True), number],
        "file size": [(ITEMS.c.size_bytes, False), number],
    }
    return [
        column.desc() if descends != backwards else column.asc()
        for column, descends in by_order[order]
    ]


def shorter_px() -> sa.ColumnElement[Any]:
    """Give the shorter side of an item."""
    width, height = ITEMS.c.width_px, ITEMS.c.height_px
    return sa.case((width < height, width), else_=height)


def aspect() -> sa.ColumnElement[Any]:
    """Give the width of an item divided by its height."""
    return sa.cast(ITEMS.c.width_px, sa.Float) / ITEMS.c.height_px


def copied(dataset_id: str, copies: Copies) -> sa.Select[Any]:
    """Select the contents that several images in use have."""
    content = ITEMS.c.content_hash
    in_use = (ITEMS.c.dataset_id == dataset_id, in_status("in_use"))
    found = sa.select(content).where(*in_use).group_by(content)
    several = found.where(content.is_not(None)).having(sa.func.count() > 1)
    if copies == "exact":
        return several
    differ = sa.func.min(ITEMS.c.label) < sa.func.max(ITEMS.c.label)
    return found.where(content.in_(several)).having(differ)


def _is_copy(dataset_id: str, copies: Copies) -> sa.ColumnElement[bool]:
    """Find the copies by their content first: a gallery's index does not hold it."""
    in_use = (ITEMS.c.dataset_id == dataset_id, in_status("in_use"))
    found = sa.select(ITEMS.c.id).where(
        *in_use, ITEMS.c.content_hash.in_(copied(dataset_id, copies))
    )
    return ITEMS.c.id.in_(found)


def _in_parts(split_id: str | None, parts: tuple[Part, ...]) -> sa.Select[tuple[int]]:
    table = schema.assignments
    return sa.select(table.c.item_id).where(
        table.c.split_id == (split_id or ""), table.c.part.in_(parts)
    )


def _name_contains(wanted: str) -> sa.ColumnElement[bool]:
    """Ask the name; every label is at least empty, which brings SQLite to the gallery's index."""
    return sa.and_(ITEMS.c.label >= "", ITEMS.c.name.icontains(wanted, autoescape=True))


def _looks(filters: ItemFilter) -> Iterator[sa.ColumnElement[bool]]:
    if filters.formats is not None:
        yield ITEMS.c.format.in_(filters.formats)
    if filters.is_grey is not None:
        yield ITEMS.c.is_grey.is_(filters.is_grey)
    if filters.is_misnamed is not None:
        yield ITEMS.c.is_misnamed.is_(filters.is_misnamed)
    if filters.shorter_px is not None:
        yield within(shorter_px(), filters.shorter_px)
    if filters.aspect is not None:
        yield within(aspect(), filters.aspect)
    if filters.size_bytes is not None:
        yield within(ITEMS.c.size_bytes, filters.size_bytes)


def within(value: sa.ColumnElement[Any], limits: Range) -> sa.ColumnElement[bool]:
    """Ask for a known value from the lower limit on and below the upper one."""
    low, high = limits
    asked: list[sa.ColumnElement[bool]] = [value.is_not(None)]
    asked += [] if low is None else [value >= low]
    asked += [] if high is None else [value < high]
    return sa.and_(*asked)
