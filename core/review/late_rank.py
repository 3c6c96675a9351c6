"""How suspicion grows with an image's rank in the search results that it came from.

What a search engine lists late fits its question less. A class at a time the ranked images are
cut into bins of as many images each, from the first rank to the last; where the mean suspicion
has clearly grown and never comes back, taking more images of the class stops being worth it.

What a person has decided counts in the place of a score: an image that was excluded or relabelled
as 1, for it did not fit what was searched for, and one that was found to be right as 0. So a
review makes the curve surer, and does not take away what it shows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.datasets import splits, suspicion
from core.datasets.catalog import queries
from core.store import database, schema

RANKED = ["item_id", "rank", "listed_as", "label", "part", "excluded", "decision"]
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
    n_decided: int  # of these: how many count as a person has decided
    bins: tuple[Bin, ...]  # none where the class has too few ranked images
    last_rank: int | None  # the last rank before suspicion has grown for good; None: it has not
    n_after: int  # images after that rank


def has_ranks(dataset_id: str) -> bool:
    """Say whether any image of a dataset came from a list that ranked it."""
    return queries.has_ranks(dataset_id)


def load(dataset_id: str) -> pd.DataFrame:
    """List the ranked images that were judged or decided about; none before the first audit.

    A row each: `RANKED`, then suspicion (0 to 1) and pred. `listed_as` is the class whose list
    ranked it, whatever its label is now.
    """
    known = suspicion.scores(dataset_id).dropna(subset="suspicion")
    split = splits.get_master(dataset_id)
    query = _ranked(dataset_id, split.id if split is not None else None)
    with database.reading() as connection:
        rows = connection.execute(query).all() if len(known) else []
    ranked = pd.DataFrame(rows, columns=RANKED)
    found = ranked.merge(known[["item_id", "suspicion", "pred"]], on="item_id", how="left")
    is_wrong = found["excluded"].astype(bool) | (found["label"] != found["listed_as"])
    decided = [is_wrong, found["decision"].notna()]
    found["suspicion"] = np.select(decided, [1.0, 0.0], found["suspicion"].astype(float))
    found = found.dropna(subset="suspicion").sort_values(["listed_as", "rank", "item_id"])
    return found.reset_index(drop=True)


def curves(table: pd.DataFrame) -> list[Curve]:
    """Give the curve of all classes together, then that of each class by its name.

    A rank is a position in its class's own list, so those of all classes can be put together.
    """
    whole = _curve(None, table.sort_values(["rank", "item_id"]))
    return [whole, *(_curve(str(label), some) for label, some in table.groupby("listed_as"))]


def images_a_class(table: pd.DataFrame, whole: Curve) -> int | None:
    """Suggest how many train images a class to use: what a class has up to the cut of all of them.

    The median of the classes; None where there is no cut, for then more images are not worse. All
    classes together are many images, so that their cut is less of a guess than that of one.
    """
    if whole.last_rank is None:
        return None
    in_use = table[~table["excluded"].astype(bool) & (table["part"] == "train")]
    kept = in_use[in_use["rank"] <= whole.last_rank]
    numbers = kept["label"].value_counts()
    return max(1, int(numbers.median())) if len(numbers) else None


def after(table: pd.DataFrame, curve: Curve) -> pd.DataFrame:
    """Give those after a curve's cut that nobody has decided about, the most suspicious first."""
    open_ones = table[~table["excluded"].astype(bool) & table["decision"].isna()]
    mine = open_ones if curve.label is None else open_ones[open_ones["listed_as"] == curve.label]
    is_late = mine["rank"] > (math.inf if curve.last_rank is None else curve.last_rank)
    return mine[is_late].sort_values(["suspicion", "rank"], ascending=[False, True])


def _ranked(dataset_id: str, split_id: str | None) -> sa.Select[Any]:
    """Select `RANKED` of the images in use, and of those excluded, gone from disk or not."""
    items, parts = schema.items, schema.assignments
    columns = (items.c.id, items.c.rank, items.c.recorded_label, items.c.label, parts.c.part)
    is_seen = sa.or_(items.c.status == "ok", (items.c.status == "gone") & items.c.excluded)
    return (
        sa.select(*columns, items.c.excluded, items.c.decision)
        .select_from(queries.with_parts(split_id))
        .where(items.c.dataset_id == dataset_id, items.c.rank.is_not(None), is_seen)
    )


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
        n_decided=int((table["excluded"].astype(bool) | table["decision"].notna()).sum()),
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
