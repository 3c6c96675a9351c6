"""Hashes that lie near one another are found as if all were compared with all."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets import hamming

HASHES = st.integers(0, 2**64 - 1)
TURNS = st.sets(st.integers(0, 63), max_size=10)


def near(hashes: np.ndarray, wanted: range) -> list[tuple[int, int]]:
    """Ask the index, and give all pairs in order."""
    index = hamming.Index(hashes)
    blocks = index.near(np.array(wanted, dtype=np.intp))
    return sorted(
        pair for left, right in blocks for pair in zip(left.tolist(), right.tolist(), strict=True)
    )


def compared(hashes: np.ndarray, wanted: range) -> list[tuple[int, int]]:
    """Compare all with all."""
    return [
        (one, other)
        for one in wanted
        for other in range(len(hashes))
        if (int(hashes[one]) ^ int(hashes[other])).bit_count() <= hamming.MAX_BITS
    ]


@given(st.lists(HASHES, min_size=1, max_size=8), st.lists(TURNS, max_size=16))
def test_the_same_pairs_are_found_as_by_comparing_all(
    seeds: list[int], turns: list[set[int]]
) -> None:
    turned = [
        reduce(lambda value, bit: value ^ (1 << bit), bits, seeds[at % len(seeds)])
        for at, bits in enumerate(turns)
    ]
    hashes = np.array(sorted({*seeds, *turned}), dtype=np.uint64)
    wanted = range(len(hashes) // 3, len(hashes))

    assert near(hashes, wanted) == compared(hashes, wanted)


def test_pairs_are_the_same_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    luck = np.random.default_rng(1)
    hashes = luck.integers(0, 2**63, 300, dtype=np.uint64)
    hashes[250:] = hashes[:50] ^ np.uint64(0b1011)
    monkeypatch.setattr(hamming, "BLOCK_VALUES", 3)

    found = near(hashes, range(250, 300))

    assert found == sorted(
        pair for at in range(50) for pair in ((250 + at, at), (250 + at, 250 + at))
    )


def test_what_is_not_usable_is_left_out() -> None:
    hashes = np.array([0, 1, 3], dtype=np.uint64)
    usable = np.array([False, True, False])

    blocks = list(hamming.Index(hashes).near(np.array([2]), usable))

    assert [right.tolist() for _, right in blocks if len(right)] == [[1]]
