"""Which images turned from wrong to right between two conditions, and which turned back."""

from dataclasses import dataclass

import numpy as np

LEAST_TURNED = 0.5
"""The share of the seeds in which an image must have turned to be named."""


@dataclass(frozen=True, kw_only=True)
class Flips:
    """Images that turned, as McNemar's test counts them, where there may be several seeds.

    Positions of images are ordered by how many seeds turned, the most first; then as they were.
    """

    right_before: np.ndarray  # the share of the seeds that were right, shape (images,)
    right_after: np.ndarray
    n_to_right: float  # images that were wrong and are right, mean of the seeds
    n_to_wrong: float
    to_right: np.ndarray  # positions of the images of which at least half the seeds turned
    to_wrong: np.ndarray


def flips(before: np.ndarray, after: np.ndarray) -> Flips:
    """Compare what was right, shape (seeds, images), within each seed."""
    before, after = before.astype(bool), after.astype(bool)
    share_before, share_after = before.mean(axis=0), after.mean(axis=0)
    change = share_after - share_before
    return Flips(
        right_before=share_before,
        right_after=share_after,
        n_to_right=float((~before & after).sum(axis=1).mean()),
        n_to_wrong=float((before & ~after).sum(axis=1).mean()),
        to_right=_turned(change),
        to_wrong=_turned(-change),
    )


def _turned(change: np.ndarray) -> np.ndarray:
    order = np.argsort(-change, kind="stable")
    return order[change[order] >= LEAST_TURNED]
