"""Differences of two conditions on the same images and seeds: how large, and how sure.

Pure functions of arrays. Values of shape (seeds, images) hold what one run of a seed made of one
image: right or wrong as 1 or 0, its loss. Both conditions have the same seeds and images, in one
order, so that a difference is taken within a seed and an image before anything is averaged.
"""

from core.review.statistics.flips import Flips, flips
from core.review.statistics.intervals import LEVEL, Interval, t_interval, t_quantile
from core.review.statistics.resampling import (
    N_DRAWS,
    over_images,
    over_seeds_and_images,
    resampled_means,
)

__all__ = [
    "LEVEL",
    "N_DRAWS",
    "Flips",
    "Interval",
    "flips",
    "over_images",
    "over_seeds_and_images",
    "resampled_means",
    "t_interval",
    "t_quantile",
]
