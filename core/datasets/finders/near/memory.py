"""What is known of pairs of pictures by their contents, kept so that none is compared twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.datasets.finders.near.matching import Match, Sighting
from core.store import files, frames

METHOD = 1
"""Raised when pairs are compared in another way: what is known from before is forgotten then."""
MOST_PAIRS = 2_000_000
"""Beyond it only the pairs of the last audit are kept."""

Pair = tuple[str, str]
"""Two content hashes, the smaller one first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of a pair: where one may lie in the other, and what a closer look said."""

    sighting: Sighting
    is_looked_at: bool = False
    match: Match | None = None  # None after a closer look: different pictures


def pair_of(one: str, other: str) -> Pair:
    """Name a pair of contents, in either order."""
    return (one, other) if one < other else (other, one)


def load() -> dict[Pair, Known]:
    """Load what is known; nothing where it comes from another method."""
    path = files.near_pairs()
    if not path.exists():
        return {}
    table = frames.load(path)
    rows = table[table["method"] == METHOD].to_dict("records")
    return {pair_of(row["part"], row["whole"]): _known(row) for row in rows}


def save(known: dict[Pair, Known], used: set[Pair]) -> None:
    """Keep what is known, or only what was `used` where that is too much."""
    kept = known if len(known) <= MOST_PAIRS else {pair: known[pair] for pair in used}
    frames.save(files.near_pairs(), pd.DataFrame(list(_rows(kept)), columns=_COLUMNS))


_OF_SIGHTING = ("part", "whole", "mirrored", "scale", "correlation")
_OF_MATCH = ("kept_width", "kept_height", "details", "outlines", "colours")
_COLUMNS = ("method", *_OF_SIGHTING, "is_looked_at", "is_match", *_OF_MATCH)


def _rows(known: dict[Pair, Known]) -> Iterator[tuple[Any, ...]]:
    for one in known.values():
        sighting = [getattr(one.sighting, name) for name in _OF_SIGHTING]
        match = [None if one.match is None else getattr(one.match, name) for name in _OF_MATCH]
        yield (METHOD, *sighting, one.is_looked_at, one.match is not None, *match)


def _known(row: dict[Any, Any]) -> Known:
    match = None
    if row["is_match"]:
        place = {name: row[name] for name in ("part", "whole", "mirrored")}
        match = Match(**place, **{name: row[name] for name in _OF_MATCH})
    sighting = Sighting(**{name: row[name] for name in _OF_SIGHTING})
    return Known(sighting=sighting, is_looked_at=row["is_looked_at"], match=match)
