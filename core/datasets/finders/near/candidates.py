"""Which pictures are worth comparing: the nearest of each, by features and by plain looks.

Features are standardised, turned to their principal axes and half whitened, so that the few
directions in which all photos of a class are alike count less. Measured on 1,461 clothing photos
and 600 planted copies (squeezenet1_0): the original is among the 8 nearest for 99.5 % of the
copies, and for 98.5 % at a cosine of 0.38 as well; plain cosines want three times the pairs.

Looks are tiny grey pictures: they find what is only resized, mirrored or compressed anew where
the features of a network are missing or misled.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_AXES = 128
ITEMS_PER_AXIS = 4
"""Of a small set fewer axes: with as many axes as items, whitening makes all equally distant."""
N_NEAREST = 8
MIN_COSINE = 0.38
FEW_ITEMS = 32
"""Of so few all pairs are compared: there features cannot tell what is ordinary."""
N_LIKE = 4
MIN_LIKENESS = 0.97
"""Correlation of tiny pictures; different clothing photos reach 0.956."""
TINY_PX = 12
BLOCK_ITEMS = 512
"""Rows of the matrix of cosines at a time: 200 MB for 100,000 items, and as much to sort some."""

Vectors = NDArray[np.float32]
Frame = NDArray[np.uint8]
Positions = NDArray[np.intp]


def blocks(features: Vectors, frames: Sequence[Frame]) -> Iterator[Positions]:
    """Give the pairs of positions that may show the same, some rows of (one, other) at a time.

    `features` is (pictures, channels), `frames` the small grey pictures, in the same order. A
    pair may come more than once, and in either order.
    """
    if len(features) <= FEW_ITEMS:
        yield np.stack(np.triu_indices(len(features), k=1), axis=1)
        return
    directions = _directions(features)
    yield from _nearest(directions, directions, N_NEAREST, MIN_COSINE)
    tiny = np.array([_shrunk(frame) for frame in frames], dtype=np.float32)
    looks = _looks(tiny)
    for others in (looks, _looks(tiny[:, :, ::-1])):
        yield from _nearest(looks, others, N_LIKE, MIN_LIKENESS)


def _nearest(ones: Vectors, others: Vectors, most: int, least: float) -> Iterator[Positions]:
    """Give the rows of (one, other) of the `most` nearest others of each, by blocks."""
    for start in range(0, len(ones), BLOCK_ITEMS):
        rows = np.arange(start, min(start + BLOCK_ITEMS, len(ones)))
        cosines = ones[rows] @ others.T
        cosines[np.arange(len(rows)), rows] = -1  # nothing is a copy of itself
        close = cosines >= least
        crowded = np.flatnonzero(close.sum(axis=1) > most)  # few: to sort all takes minutes
        close[crowded] = False
        nearest = np.argpartition(cosines[crowded], -most, axis=1)[:, -most:]
        close[crowded[:, None], nearest] = True
        at, found = np.nonzero(close)
        yield np.stack((rows[at], found), axis=1)


def _shrunk(frame: Frame) -> Frame:
    """Shrink a frame to 12x12 pixels, whatever its shape."""
    small = Image.fromarray(frame).resize((TINY_PX, TINY_PX), Image.Resampling.BOX)
    return np.asarray(small)


def _looks(tiny: Vectors) -> Vectors:
    """Centre tiny pictures, (n, 12, 12), at length 1; plain ones are like nothing."""
    flat = tiny.reshape(len(tiny), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    looks: Vectors = np.where(lengths < TINY_PX, 0, centred / np.maximum(lengths, 1))
    return looks


def _directions(features: Vectors) -> Vectors:
    """Turn features to half-whitened principal axes, each row of length 1."""
    n_items, n_channels = features.shape
    standard = features - features.mean(axis=0)
    standard /= np.maximum(features.std(axis=0), 1e-6)
    n_axes = min(MOST_AXES, n_channels, n_items // ITEMS_PER_AXIS)
    turned, variances = _turned(standard, n_axes)
    turned /= np.maximum(variances, 1e-6 * variances.max() + 1e-12) ** 0.25
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    directions: Vectors = turned / np.maximum(lengths, 1e-9)
    return directions


def _turned(centred: Vectors, n_axes: int) -> tuple[Vectors, Vectors]:
    """Give the coordinates on the axes of most variance, and the variance along each."""
    covariance = centred.T @ centred / len(centred)
    variances, axes = np.linalg.eigh(covariance)
    largest = slice(None, -n_axes - 1, -1)
    return centred @ axes[:, largest], variances[largest]
