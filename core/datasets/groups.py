"""Which images are equal or nearly equal: they always stay in one part of a split.

Candidates differ in at most 8 of 64 bits of the perceptual hash; each is then verified by the
correlation of tiny colour versions. An image belongs to a group only if it is verified against
the group's leader, so that no chain of likenesses can swallow a class.

Measured on 2026-11-23 (366 clothing photos, 610 digits of 8x8): distinct images reach at most a
correlation of 0.956 (photos) and 0.992 (digits). Above 0.995 lie all photos at half size, all of
JPEG quality 40, 98 % of quality 15, 99.7 % at 10 % more brightness, 68 % cropped by 1 %.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_BITS = 8
MIN_CORRELATION = 0.995
BLOCK_VALUES = 4_000_000
PAIRS_AT_ONCE = 50_000

Tiny = Callable[[int], NDArray[np.uint8] | None]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What grouping needs of an item; its group is the leader's id, or None where it is alone."""

    item_id: int
    content_hash: str
    perceptual_hash: int
    group_id: int | None


def assign(
    known: Sequence[Candidate], fresh: Sequence[Candidate], tiny: Tiny
) -> dict[int, int | None]:
    """Give the group of each fresh item, and of known items whose group changes by that.

    Known items never change from one group to another; one that was alone may become a leader.
    `tiny` gives an item's 16x16 picture by its id, or None where there is none.
    """
    everyone = [*known, *sorted(fresh, key=lambda one: one.item_id)]
    near = _verified(everyone, len(known), tiny)
    leader = {one.item_id: one.group_id or one.item_id for one in known}
    by_content = {one.content_hash: leader[one.item_id] for one in known}
    changed: dict[int, int | None] = {}
    for one in everyone[len(known) :]:
        found = by_content.get(one.content_hash)
        if found is None:
            found = _nearest_leader(near.get(one.item_id, ()), leader)
        leader[one.item_id] = one.item_id if found is None else found
        by_content.setdefault(one.content_hash, leader[one.item_id])
        changed[one.item_id] = found
        if found is not None:
            changed[found] = found
    return changed


def close_pairs(
    hashes: NDArray[np.uint64], first_fresh: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Give pairs of positions within `MAX_BITS`, in blocks; at least one of each pair is fresh."""
    rows = max(1, BLOCK_VALUES // max(1, len(hashes)))
    for start in range(first_fresh, len(hashes), rows):
        block = hashes[start : start + rows]
        distance = np.bitwise_count(block[:, None] ^ hashes[None, : start + len(block)])
        left, right = np.nonzero(distance <= MAX_BITS)
        left = left + start
        keep = right < left
        yield left[keep], right[keep]


def _verified(
    everyone: Sequence[Candidate], first_fresh: int, tiny: Tiny
) -> dict[int, list[tuple[float, int]]]:
    """Give each fresh item its verified likenesses as (correlation, item id)."""
    hashes = np.array([one.perceptual_hash for one in everyone], dtype=np.int64)
    looks = _Looks(everyone, tiny)
    near: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for all_left, all_right in close_pairs(hashes.view(np.uint64), first_fresh):
        for start in range(0, len(all_left), PAIRS_AT_ONCE):
            left = all_left[start : start + PAIRS_AT_ONCE]
            right = all_right[start : start + PAIRS_AT_ONCE]
            alike = looks.correlations(left, right)
            for at in np.flatnonzero(alike >= MIN_CORRELATION):
                one, other = everyone[left[at]].item_id, everyone[right[at]].item_id
                near[one].append((float(alike[at]), other))
    return near


def _nearest_leader(near: Sequence[tuple[float, int]], leader: dict[int, int]) -> int | None:
    leaders = [(alike, -item_id) for alike, item_id in near if leader.get(item_id) == item_id]
    return -max(leaders)[1] if leaders else None


class _Looks:
    """Tiny pictures of the items that need one, centred and scaled to length 1."""

    def __init__(self, everyone: Sequence[Candidate], tiny: Tiny) -> None:
        self._everyone = everyone
        self._tiny = tiny
        self._seen: dict[int, NDArray[np.float32] | None] = {}

    def correlations(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.float32]:
        """Correlate pairs; 0 where a picture is missing or of one single colour."""
        found = np.zeros(len(left), dtype=np.float32)
        for at, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
            a, b = self._look(one), self._look(other)
            if a is not None and b is not None:
                found[at] = a @ b
        return found

    def _look(self, position: int) -> NDArray[np.float32] | None:
        if position not in self._seen:
            self._seen[position] = _unit(self._tiny(self._everyone[position].item_id))
        return self._seen[position]


def _unit(tiny: NDArray[np.uint8] | None) -> NDArray[np.float32] | None:
    if tiny is None:
        return None
    centred = tiny.astype(np.float32) - tiny.mean(dtype=np.float32)
    length = float(np.linalg.norm(centred))
    return None if length < 1 else (centred / length).astype(np.float32)
