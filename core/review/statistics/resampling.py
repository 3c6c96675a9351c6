"""Intervals of a mean difference by resampling: over images, and over seeds and images at once.

Percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13), with a
fixed seed, so that the same predictions always give the same interval.
"""

import math
from collections.abc import Iterator

import numpy as np

from core.review.statistics.intervals import LEVEL, Interval

N_DRAWS = 2000
SEED = 20_240_501
MOST_AT_ONCE = 2_000_000  # numbers of one block of draws: 16 MB


def resampled_means(values: np.ndarray, *, n_draws: int = N_DRAWS) -> np.ndarray:
    """Average rows over images drawn with replacement; (rows, images) gives (draws, rows).

    All rows see the same draws, so that they may be rows of several seeds or of several metrics.
    """
    n_images = values.shape[1]
    blocks = [counts @ values.T for counts in _counts(n_images, n_draws)]
    return np.asarray(np.concatenate(blocks) / n_images)


def over_images(means: np.ndarray, *, level: float = LEVEL) -> Interval:
    """Give the interval of the mean of all seeds for other images of the kind.

    `means` are `resampled_means` of the differences of some seeds, shape (draws, seeds).
    """
    return _percentiles(means.mean(axis=1), level)


def over_seeds_and_images(
    by_seed: np.ndarray, means: np.ndarray, *, level: float = LEVEL
) -> Interval | None:
    """Give the interval for other images and other seeds; None of fewer than two seeds.

    Each draw takes images with replacement, and moves their mean by what the seeds leave open. A
    few seeds that are drawn from themselves spread too little, so this is drawn from Student's t
    with the standard error of their mean. For seeds that differ alone it is the t interval, for
    images that differ alone the bootstrap. What chance makes of a seed and an image together
    counts in both, so that the interval is rather too wide than too narrow.

    `by_seed` are the differences, shape (seeds,), and `means` is as for `over_images`.
    """
    n_seeds = len(by_seed)
    if n_seeds < 2:
        return None
    error = float(by_seed.std(ddof=1)) / math.sqrt(n_seeds)
    moved = np.random.default_rng(SEED + 1).standard_t(n_seeds - 1, len(means))
    return _percentiles(means.mean(axis=1) + error * moved, level)


def _counts(n_images: int, n_draws: int) -> Iterator[np.ndarray]:
    """Count how often each image was drawn, some draws at a time; shape (draws, images)."""
    rng = np.random.default_rng(SEED)
    size = max(1, MOST_AT_ONCE // n_images)
    for start in range(0, n_draws, size):
        n = min(size, n_draws - start)
        drawn = rng.integers(0, n_images, (n, n_images)) + n_images * np.arange(n)[:, None]
        counted = np.bincount(drawn.ravel(), minlength=n * n_images)
        yield counted.reshape(n, n_images).astype(float)


def _percentiles(drawn: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(low=float(low), high=float(high))
