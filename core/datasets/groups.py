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

from core.datasets import hamming, perceptual

MIN_CORRELATION = 0.995
BLOCK_ITEMS = 2048

Tiny = Callable[[int], NDArray[np.uint8] | None]
Look = NDArray[np.float32]
"""A tiny picture, centred and scaled to length 1."""


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
    `tiny` gives an item's 16x16 picture by its id, or None where there is none; it is asked at
    most once for an item, and only for items that lie near another one.
    """
    ordered = sorted(fresh, key=lambda one: one.item_id)
    group_of = {one.content_hash: one.group_id or one.item_id for one in known}
    leaders = _Leaders((*known, *ordered), tiny)
    for one in known:
        if one.group_id in (None, one.item_id):
            leaders.add(one)
    changed: dict[int, int | None] = {}
    for one, near in leaders.near(ordered):
        found = group_of.get(one.content_hash)
        if found is None:
            found = leaders.follow(one, near)
        if found is not None:
            changed[found] = found
        changed[one.item_id] = found
        group_of.setdefault(one.content_hash, one.item_id if found is None else found)
    return changed


class _Leaders:
    """The items that others may follow, those that are alone among them, by their hash."""

    def __init__(self, everyone: Sequence[Candidate], tiny: Tiny) -> None:
        hashes = np.array([one.perceptual_hash for one in everyone], dtype=np.int64)
        distinct, codes = np.unique(hashes.view(np.uint64), return_inverse=True)
        pairs = zip(everyone, codes.tolist(), strict=True)
        self._code_of = {one.item_id: code for one, code in pairs}
        self._index = hamming.Index(distinct)
        self._usable = np.zeros(len(distinct), dtype=np.bool_)
        self._shelves: dict[int, _Shelf] = {}
        self._tiny = tiny

    def add(self, one: Candidate, look: Look | None = None) -> None:
        """Add a leader, with its look where it was loaded already."""
        code = self._code_of[one.item_id]
        self._shelves.setdefault(code, _Shelf()).add(one.item_id, look)
        self._usable[code] = True

    def near(self, items: Sequence[Candidate]) -> Iterator[tuple[Candidate, Sequence[int]]]:
        """Give each item with the codes of hashes near its own that may have leaders by then."""
        for start in range(0, len(items), BLOCK_ITEMS):
            block = items[start : start + BLOCK_ITEMS]
            codes = np.unique([self._code_of[one.item_id] for one in block])
            usable = self._usable.copy()
            usable[codes] = True  # the block's own items may become leaders
            near: dict[int, list[int]] = defaultdict(list)
            for left, right in self._index.near(codes, usable):
                for one, other in zip(left.tolist(), right.tolist(), strict=True):
                    near[one].append(other)
            for item in block:
                yield item, near[self._code_of[item.item_id]]

    def follow(self, one: Candidate, near: Sequence[int]) -> int | None:
        """Find the leader that an item is most like, or make it one itself.

        Of leaders that it is equally like it follows the one with the smallest id.
        """
        shelves = [self._shelves[code] for code in near if code in self._shelves]
        if not shelves:
            self.add(one)
            return None
        look = _look(self._tiny(one.item_id))
        if look is None:
            return None  # nor will another follow it
        found = [best for shelf in shelves if (best := shelf.best(look, self._tiny))]
        if found:
            return -max(found)[1]
        self.add(one, look)
        return None


class _Shelf:
    """The leaders of one hash, and their looks, which are loaded when they are asked for."""

    __slots__ = ("_item_ids", "_looks", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Look | None]] = []  # leaders whose row is not written yet
        self._item_ids: list[int] = []
        self._looks = _NO_LOOKS  # a row for each of the ids, and room for more

    def add(self, item_id: int, look: Look | None) -> None:
        """Add a leader, with its look where it was loaded already."""
        self._waiting.append((item_id, look))

    def best(self, look: Look, tiny: Tiny) -> tuple[float, int] | None:
        """Give the highest correlation and the negative id, or None where none is like it."""
        for item_id, known in self._waiting:
            other = _look(tiny(item_id)) if known is None else known
            if other is not None:
                self._append(item_id, other)
        self._waiting.clear()
        alike = self._looks[: len(self._item_ids)] @ look
        found = np.flatnonzero(alike >= MIN_CORRELATION).tolist()
        return max(((float(alike[at]), -self._item_ids[at]) for at in found), default=None)

    def _append(self, item_id: int, look: Look) -> None:
        at = len(self._item_ids)
        if at == len(self._looks):
            room = np.empty((2 * at or 1, len(look)), dtype=np.float32)
            room[:at] = self._looks
            self._looks = room
        self._looks[at] = look
        self._item_ids.append(item_id)


_NO_LOOKS = np.empty((0, 3 * perceptual.TINY_PX**2), dtype=np.float32)


def _look(tiny: NDArray[np.uint8] | None) -> Look | None:
    """Centre a tiny picture; None where it is missing, or of one single colour: like nothing."""
    if tiny is None:
        return None
    centred = tiny.astype(np.float32) - tiny.mean(dtype=np.float32)
    length = float(np.linalg.norm(centred))
    return centred / length if length >= 1 else None
