"""Which 64-bit hashes lie within a few bits of others, without comparing all with all.

A hash is cut into 5 pieces of 12 or 13 bits. Two hashes that differ in at most 8 bits differ in at
most one bit of at least one piece: if every piece differed in two, that would be 10. So it is
enough to look at those that share a piece, or a piece with one bit turned.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MAX_BITS = 8
WIDTHS = (13, 13, 13, 13, 12)
BLOCK_VALUES = 4_000_000
"""How many candidates are looked at in one step: 100 MB."""

Hashes = NDArray[np.uint64]
Positions = NDArray[np.intp]
Pairs = tuple[Positions, Positions]


class Index:
    """Distinct hashes in any order, ready to be asked for the ones near some of them.

    It takes time and room in proportion to the hashes; a question takes time in proportion to
    those that share a piece, 850 of 100,000 random ones. Equal hashes would be candidates of one
    another without end: give each once.
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes
        shifts = np.cumsum((0, *WIDTHS[:-1])).tolist()
        self._pieces = [
            _Piece(hashes, shift, width) for shift, width in zip(shifts, WIDTHS, strict=True)
        ]

    def near(self, wanted: Positions, usable: NDArray[np.bool_] | None = None) -> Iterator[Pairs]:
        """Give, in blocks, each pair of a wanted position and one near it, itself among them.

        Each pair comes once. Where `usable` is given, by position, others are not looked at.
        """
        for number, piece in enumerate(self._pieces):
            for left, right in piece.candidates(wanted):
                if usable is not None:
                    left, right = left[usable[right]], right[usable[right]]
                different = self._hashes[left] ^ self._hashes[right]
                close = np.bitwise_count(different) <= MAX_BITS
                left, right, different = left[close], right[close], different[close]
                for earlier in self._pieces[:number]:  # an earlier piece has given it already
                    new = ~earlier.is_alike(different)
                    left, right, different = left[new], right[new], different[new]
                yield left, right


class _Piece:
    """Some bits of every hash, and the positions sorted by them."""

    def __init__(self, hashes: Hashes, shift: int, width: int) -> None:
        self._mask = np.uint64(((1 << width) - 1) << shift)
        self._keys = ((hashes & self._mask) >> np.uint64(shift)).astype(np.intp)
        self._turns = np.array([0, *(1 << bit for bit in range(width))], dtype=np.intp)
        self._sorted = np.argsort(self._keys, kind="stable")
        numbers = np.bincount(self._keys, minlength=1 << width)
        self._starts = np.concatenate(([0], np.cumsum(numbers)))

    def is_alike(self, different: Hashes) -> NDArray[np.bool_]:
        """Say where two hashes, of which the differing bits are given, are alike in this piece."""
        alike: NDArray[np.bool_] = np.bitwise_count(different & self._mask) <= 1
        return alike

    def candidates(self, wanted: Positions) -> Iterator[Pairs]:
        """Pair wanted positions with all that are alike in this piece."""
        keys = (self._keys[wanted][:, None] ^ self._turns).ravel()
        lefts = np.repeat(wanted, len(self._turns))
        firsts, numbers = self._starts[keys], self._starts[keys + 1] - self._starts[keys]
        ends = np.cumsum(numbers)
        start = 0
        while start < len(lefts):
            done = ends[start] - numbers[start]
            stop = max(start + 1, int(np.searchsorted(ends, done + BLOCK_VALUES, "right")))
            some = slice(start, stop)
            offsets = np.arange(done, ends[stop - 1]) - np.repeat(
                ends[some] - numbers[some], numbers[some]
            )
            right = self._sorted[np.repeat(firsts[some], numbers[some]) + offsets]
            yield np.repeat(lefts[some], numbers[some]), right
            start = stop
