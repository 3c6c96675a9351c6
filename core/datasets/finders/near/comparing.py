"""Compare pairs of pictures, each of them once, and judge which of them show the same.

How alike is alike depends on the dataset: photos of one kind in one place, or small digits, are
more like their neighbours than others are. So both limits follow the middle correlation of a
picture with its third neighbour: that is no copy, even where every picture is there twice.
Measured: 0.69 among 1,461 clothing photos, 0.92 among 604 digits of 8x8.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.datasets import pacing
from core.datasets.finders.near import matching, memory
from core.datasets.finders.near.matching import Frame, Match, Sighting
from core.datasets.finders.near.memory import Known, Pair
from core.datasets.pacing import Reporter

NEIGHBOUR = 3
ENOUGH_PICTURES = 20
"""Of fewer pictures the middle says nothing."""
LIKENESSES = (0.6, 0.92)
"""Where the middle lies at least and at most: else many copies would hide each other."""
COARSE_SHARE = 0.55
DETAILS_SHARE = 1.3
MIN_OUTLINES = 0.97
SURE_DETAILS = 0.85
SURE_OUTLINES = 0.9
"""Enough where details leave no doubt: brighter copies have lost what was bright already."""
MAX_COLOURS = 12.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From when on a pair is looked at closely, and from when on its details are the same."""

    coarse: float
    details: float


class Comparisons:
    """All that is known of pairs, and the small pictures to find out more."""

    def __init__(self, frames: Mapping[str, Frame]) -> None:
        self._frames = frames
        self._known = memory.load()
        self._used: set[Pair] = set()
        self._limits = Limits(coarse=1, details=1)

    def compare(self, pairs: Iterable[Pair], job: Reporter) -> list[Match] | None:
        """Compare pairs and give those that show the same; None where the job was stopped."""
        self._used = set(pairs)
        if not self._see_all(job):
            return None
        self._limits = _limits(self._known[pair].sighting for pair in self._used)
        return self._look_all(job)

    def match(self, one: str, other: str) -> Match | None:
        """Say whether two pictures show the same, by the limits of the last comparison."""
        pair = memory.pair_of(one, other)
        if pair not in self._known:
            self._see(one, [other])
            self._see(other, [one])
        self._used.add(pair)
        self._look(pair)
        match = self._known[pair].match
        return match if match is not None and is_same(match, self._limits) else None

    def save(self) -> None:
        """Keep what was found out, also by a job that was stopped."""
        memory.save(self._known, self._used)

    def _see_all(self, job: Reporter) -> bool:
        """Find where one of each new pair may lie in the other."""
        new = self._used - self._known.keys()
        others: dict[str, list[str]] = defaultdict(list)
        for one, other in sorted(new):
            others[one].append(other)
            others[other].append(one)
        pace = pacing.Pace(job, len(others), "comparing pictures")
        seen: set[str] = set()
        try:
            for part, wholes in others.items():
                if job.should_stop():
                    return False
                self._see(part, wholes)
                seen.add(part)
                pace.step()
        finally:  # a pair that was seen from one side only would count as compared for ever
            for pair in new:
                if not seen.issuperset(pair):
                    self._known.pop(pair, None)
        return True

    def _see(self, part: str, wholes: list[str]) -> None:
        for whole in wholes:
            self._known.setdefault(memory.pair_of(part, whole), _nowhere(part, whole))
        frames = {whole: self._frames[whole] for whole in wholes}
        for found in matching.sightings(part, frames):
            pair = memory.pair_of(part, found.whole)
            if self._known[pair].sighting.correlation < found.correlation:
                self._known[pair] = Known(sighting=found)

    def _look_all(self, job: Reporter) -> list[Match] | None:
        """Look closer at the pairs that may show the same."""
        found = []
        pace = pacing.Pace(job, len(self._used), "looking at copies")
        for pair in sorted(self._used):
            if job.should_stop():
                return None
            match = self.match(*pair)
            if match is not None:
                found.append(match)
            pace.step()
        return found

    def _look(self, pair: Pair) -> None:
        known = self._known[pair]
        if known.is_looked_at or known.sighting.correlation < self._limits.coarse:
            return
        match = matching.look_closer(known.sighting)
        self._known[pair] = Known(sighting=known.sighting, is_looked_at=True, match=match)


def _nowhere(part: str, whole: str) -> Known:
    """Say of a pair that neither fits into the other, as nothing else was seen so far."""
    sighting = Sighting(part=part, whole=whole, mirrored=False, scale=1, correlation=-1)
    return Known(sighting=sighting)


def is_same(match: Match, limits: Limits) -> bool:
    """Say whether a part and its place in the whole show the same."""
    if match.details < limits.details or match.colours > MAX_COLOURS:
        return False
    sure = match.details >= SURE_DETAILS
    return match.outlines >= (SURE_OUTLINES if sure else MIN_OUTLINES)


def _limits(sightings: Iterable[Sighting]) -> Limits:
    """Set the limits by how alike neighbours are that show different things."""
    of_picture: dict[str, list[float]] = defaultdict(list)
    for one in sightings:
        of_picture[one.part].append(one.correlation)
        of_picture[one.whole].append(one.correlation)
    thirds = [
        heapq.nlargest(NEIGHBOUR, near)[-1]
        for near in of_picture.values()
        if len(near) >= NEIGHBOUR
    ]
    least, most = LIKENESSES
    middle = float(np.median(thirds)) if len(thirds) >= ENOUGH_PICTURES else least
    room = 1 - min(max(middle, least), most)
    return Limits(coarse=1 - COARSE_SHARE * room, details=1 - DETAILS_SHARE * room)
