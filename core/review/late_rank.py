"""How suspicion grows with an image's rank in the search results that it came from.

What a search engine lists late fits its question less. A class at a time the ranked images are
cut into bins of as many images each, from the first rank to the last; where the mean suspicion
has clearly grown and never comes back, taking more images of the class stops being worth it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import sqlalchemy as sa

from core.datasets import suspicion
from core.datasets.catalog import queries
from core.store import database, schema

PER_BIN = 25
"""At least so many images in a bin: the interval of their mean is then some ±0.1."""
MOST_BINS = 12
FEWEST_BINS = 3
GROWTH = 1.5
"""How many times the level of the first bins the suspicion must reach: a doubling is rarely seen
where the first results are not clean either, and a tenth more is noise."""
Z = 1.96  # of a 95 % interval of a mean


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Images of neighbouring ranks, and their mean suspicion with a 95 % interval of it."""

    first_rank: int
    last_rank: int
    n: int
    mean: float
    low: float
    high: float
    smooth: float  # never falls from bin to bin: isotonic regression of the means


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The bins of one class, the first results first, and the cut that they suggest."""

    label: str | None  # None: of all classes together
    n: int
    bins: tuple[Bin, ...]  # none where the class has too few ranked images
    last_rank: int | None  # the last rank before suspicion has grown for good; None: it has not
    n_after: int  # images after that rank


def has_ranks(dataset_id: str) -> bool:
    """Say whether any image of a dataset came from a list that ranked it."""
    return queries.has_ranks(dataset_id)


def load(dataset_id: str) -> pd.DataFrame:
    """List the ranked images in use that were judged: a row of scores each, with its rank."""
    items = schema.items
    query = sa.select(items.c.id, items.c.rank).where(
        items.c.dataset_id == dataset_id,
        items.c.rank.is_not(None),
        items.c.status == "ok",
        ~items.c.excluded,
    )
    with database.reading() as connection:
        rows = connection.execute(query).all()
    ranked = pd.DataFrame(rows, columns=["item_id", "rank"])
    known = suspicion.scores(dataset_id)
    found = ranked.merge(known.dropna(subset="suspicion"), on="item_id")
    return found.sort_values(["label", "rank", "item_id"]).reset_index(drop=True)


def curves(table: pd.DataFrame) -> list[Curve]:
    """Give the curve of all classes together, then that of each class by its name.

    A rank is a position in its class's own list, so those of all classes can be put together.
    """
    whole = _curve(None, table.sort_values(["rank", "item_id"]))
    return [whole, *(_curve(str(label), some) for label, some in table.groupby("label"))]


def images_a_class(table: pd.DataFrame, whole: Curve) -> int | None:
    """Suggest how many train images a class to use: what a class has up to the cut of all of them.

    The median of the classes; None where there is no cut, for then more images are not worse. All
    classes together are many images, so that their cut is less of a guess than that of one.
    """
    if whole.last_rank is None:
        return None
    kept = table[(table["part"] == "train") & (table["rank"] <= whole.last_rank)]
    numbers = kept["label"].value_counts()
    return max(1, int(numbers.median())) if len(numbers) else None


def after(table: pd.DataFrame, curve: Curve) -> pd.DataFrame:
    """Give the rows of a curve after its cut, the most suspicious first; none without a cut."""
    mine = table if curve.label is None else table[table["label"] == curve.label]
    is_late = mine["rank"] > (math.inf if curve.last_rank is None else curve.last_rank)
    return mine[is_late].sort_values(["suspicion", "rank"], ascending=[False, True])


def _curve(label: str | None, table: pd.DataFrame) -> Curve:
    n_bins = min(MOST_BINS, len(table) // PER_BIN)
    groups = _bins(table, n_bins) if n_bins >= FEWEST_BINS else []
    bins = _smoothed([_bin(some) for some in groups])
    at = _growth(bins, [some["suspicion"] for some in groups])
    last_rank = None if at is None else bins[at - 1].last_rank
    is_late = table["rank"] > (math.inf if last_rank is None else last_rank)
    return Curve(
        label=label,
        n=len(table),
        bins=tuple(bins),
        last_rank=last_rank,
        n_after=int(is_late.sum()),
    )


def _bins(table: pd.DataFrame, n_bins: int) -> list[pd.DataFrame]:
    """Cut images in the order of their ranks into bins; those of one rank stay together."""
    ranks = table["rank"].rank(method="min")
    number = ((ranks - 1) * n_bins / len(table)).astype(int)
    return [some for _, some in table.groupby(number, sort=True)]


def _bin(some: pd.DataFrame) -> Bin:
    mean, half = _mean(some["suspicion"])
    return Bin(
        first_rank=int(some["rank"].min()),
        last_rank=int(some["rank"].max()),
        n=len(some),
        mean=mean,
        low=max(0.0, mean - half),
        high=min(1.0, mean + half),
        smooth=mean,
    )


def _mean(values: pd.Series) -> tuple[float, float]:
    """Give the mean, and half the width of its 95 % interval; of one value all is possible."""
    half = Z * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 1.0
    return float(values.mean()), half


def _smoothed(bins: Sequence[Bin]) -> list[Bin]:
    """Pool neighbours that fall until none does (pool adjacent violators, by images)."""
    pools: list[tuple[float, int, int]] = []  # level, images, bins
    for one in bins:
        level, n, width = one.mean, one.n, 1
        while pools and pools[-1][0] >= level:
            other, n_other, more = pools.pop()
            level = (level * n + other * n_other) / (n + n_other)
            n, width = n + n_other, width + more
        pools.append((level, n, width))
    levels = [level for level, _, width in pools for _ in range(width)]
    return [replace(one, smooth=level) for one, level in zip(bins, levels, strict=True)]


def _growth(bins: Sequence[Bin], values: Sequence[pd.Series]) -> int | None:
    """Find the bin where the smooth curve first lies clearly above the level of the first bins.

    Clearly: more than 1.5 times their mean, and all that follows has an interval above theirs.
    The first quarter of the bins are what the others are held against.
    """
    n_first = max(1, len(bins) // 4)
    if len(bins) <= n_first:
        return None
    level, half = _mean(pd.concat(values[:n_first]))
    grown = (at for at in range(n_first, len(bins)) if bins[at].smooth > GROWTH * level)
    at = next(grown, None)
    if at is None:
        return None
    later, half_later = _mean(pd.concat(values[at:]))
    return at if later - half_later > level + half else None
