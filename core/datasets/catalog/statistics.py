"""What the images in use are like: sums and histograms that the database makes, a row a bar.

Bars lie between fixed edges that a person knows: sides that networks are trained on, shapes that
cameras make. A bar's limits are a range of `ItemFilter`, so that a bar finds its images again.
"""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from core.datasets.catalog.filters import (
    ITEMS,
    Range,
    aspect,
    copied,
    in_status,
    shorter_px,
)
from core.datasets.multilabel import is_multi_label
from core.domain.labellers import LABEL_SEPARATOR
from core.store import database

Measure = Literal["shorter_px", "aspect", "size_bytes"]
KB, MB = 1000, 1_000_000
EDGES: dict[Measure, tuple[float, ...]] = {
    "shorter_px": (
        *(16, 32, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512),
        *(640, 768, 1024, 1536, 2048, 3072, 4096),
    ),
    "aspect": (0.33, 0.5, 0.62, 0.7, 0.8, 0.95, 1.05, 1.25, 1.43, 1.6, 2, 3),
    "size_bytes": (
        *(1 * KB, 2 * KB, 5 * KB, 10 * KB, 20 * KB, 50 * KB, 100 * KB, 200 * KB, 500 * KB),
        *(1 * MB, 2 * MB, 5 * MB, 10 * MB, 20 * MB),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """How many images lie within limits; None: open on that side."""

    limits: Range
    n_items: int


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The extremes of a measure, and the value that half of the images reach."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Format:
    """How many images have a format by their content, and how many are named otherwise."""

    name: str
    n_items: int
    n_misnamed: int


@dataclass(frozen=True, kw_only=True)
class Colours:
    """How many images are stored in which way; unknown: scanned before it was looked at."""

    n_items: int
    n_grey: int
    n_grey_unknown: int
    n_misnamed: int
    n_misnamed_unknown: int
    by_mode: dict[str, int]  # without those whose mode is unknown


@dataclass(frozen=True, kw_only=True)
class CopyCounts:
    """How many images in use have an equal one, and how many of these one with another label."""

    n_exact: int
    n_across_classes: int


@dataclass(frozen=True, kw_only=True)
class Description:
    """All that is told of the images in use of a dataset."""

    histograms: dict[Measure, tuple[Bar, ...]]
    spreads: dict[Measure, Spread]
    formats: tuple[Format, ...]
    colours: Colours
    copies: CopyCounts
    labels_per_image: dict[int, int]  # number of labels -> number of images


def describe(dataset_id: str) -> Description:
    """Tell what the images in use are like; some hundred milliseconds for a hundred thousand."""
    spreads = {measure: spread(dataset_id, measure) for measure in EDGES}
    return Description(
        histograms={measure: histogram(dataset_id, measure) for measure in EDGES},
        spreads={measure: one for measure, one in spreads.items() if one is not None},
        formats=formats(dataset_id),
        colours=colours(dataset_id),
        copies=copies(dataset_id),
        labels_per_image=labels_per_image(dataset_id),
    )


def histogram(dataset_id: str, measure: Measure) -> tuple[Bar, ...]:
    """Count the images in use between the edges of a measure, without empty bars at the ends."""
    edges = EDGES[measure]
    value = _value(measure)
    place = sa.case(*((value < edge, at) for at, edge in enumerate(edges)), else_=len(edges))
    query = sa.select(place, sa.func.count()).where(*_in_use(dataset_id), value.is_not(None))
    with database.reading() as connection:
        rows = connection.execute(query.group_by(place)).all()
    found: dict[int, int] = dict(map(tuple, rows))
    if not found:
        return ()
    limits = (None, *edges, None)
    return tuple(
        Bar(limits=(limits[at], limits[at + 1]), n_items=found.get(at, 0))
        for at in range(min(found), max(found) + 1)
    )


def spread(dataset_id: str, measure: Measure) -> Spread | None:
    """Give the extremes and the median of a measure of the images in use; None without any."""
    value = _value(measure)
    known = (*_in_use(dataset_id), value.is_not(None))
    sums = sa.select(sa.func.count(), sa.func.min(value), sa.func.max(value)).where(*known)
    with database.reading() as connection:
        number, low, high = connection.execute(sums).one()
        if not number:
            return None
        middle = sa.select(value).where(*known).order_by(value).offset(number // 2).limit(1)
        median = connection.execute(middle).scalar_one()
    return Spread(low=float(low), median=float(median), high=float(high))


def formats(dataset_id: str) -> tuple[Format, ...]:
    """Count the images in use by their format, the most frequent first."""
    number = sa.func.count().label("number")
    query = (
        sa.select(ITEMS.c.format, number, _number(ITEMS.c.is_misnamed.is_(True)))
        .where(*_in_use(dataset_id), ITEMS.c.format.is_not(None))
        .group_by(ITEMS.c.format)
        .order_by(number.desc(), ITEMS.c.format)
    )
    with database.reading() as connection:
        rows = connection.execute(query).all()
    return tuple(Format(name=name, n_items=n, n_misnamed=odd) for name, n, odd in rows)


def colours(dataset_id: str) -> Colours:
    """Count the images in use by their mode, and those that are grey or named otherwise."""
    looks = (ITEMS.c.mode, ITEMS.c.is_grey, ITEMS.c.is_misnamed)
    query = sa.select(*looks, sa.func.count()).where(*_in_use(dataset_id)).group_by(*looks)
    with database.reading() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    by_mode: dict[str, int] = {}
    for mode, _grey, _misnamed, number in rows:
        if mode is not None:
            by_mode[mode] = by_mode.get(mode, 0) + number

    def of(at: int, answer: bool | None) -> int:
        return sum(row[3] for row in rows if row[at] is answer)

    return Colours(
        n_items=sum(row[3] for row in rows),
        n_grey=of(1, True),
        n_grey_unknown=of(1, None),
        n_misnamed=of(2, True),
        n_misnamed_unknown=of(2, None),
        by_mode=by_mode,
    )


def copies(dataset_id: str) -> CopyCounts:
    """Count the images in use that have an equal one; as the filter of that name finds them."""
    content = ITEMS.c.content_hash
    count = sa.select(sa.func.count()).select_from(ITEMS).where(*_in_use(dataset_id))
    exact = count.where(content.in_(copied(dataset_id, "exact")))
    across = count.where(content.in_(copied(dataset_id, "across_classes")))
    with database.reading() as connection:
        n_exact: int = connection.execute(exact).scalar_one()
        n_across: int = connection.execute(across).scalar_one() if n_exact else 0
    return CopyCounts(n_exact=n_exact, n_across_classes=n_across)


def labels_per_image(dataset_id: str) -> dict[int, int]:
    """Count the images in use by how many labels they have: one each, unless multi-label."""
    label, length = ITEMS.c.label, sa.func.length
    separators = length(label) - length(sa.func.replace(label, LABEL_SEPARATOR, ""))
    several = sa.case((label == "", 0), else_=separators + 1)
    with database.reading() as connection:
        number = several if is_multi_label(connection, dataset_id) else sa.literal_column("1")
        query = sa.select(number, sa.func.count()).where(*_in_use(dataset_id)).group_by(number)
        return dict(sorted(map(tuple, connection.execute(query))))


def _value(measure: Measure) -> sa.ColumnElement[Any]:
    values: dict[Measure, sa.ColumnElement[Any]] = {
        "shorter_px": shorter_px(),
        "aspect": aspect(),
        "size_bytes": ITEMS.c.size_bytes,
    }
    return values[measure]


def _in_use(dataset_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return ITEMS.c.dataset_id == dataset_id, in_status("in_use")


def _number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
