"""A 64-bit hash of how a picture looks, and tiny pictures to verify that two look alike.

The hash is the sign of the 8x8 lowest frequencies of a 32x32 grey version against their median
(Zauner 2010, "pHash"), with one matrix product instead of a general DCT.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 32
LOW = 8
TINY_PX = 16
GREY_LEVELS = 8
"""How far the channels of a grey pixel may lie apart, of 255."""


def _dct(n: int, side: int) -> NDArray[np.float32]:
    rows = np.arange(n)[:, None]
    columns = np.arange(side)[None, :]
    return np.cos(np.pi * rows * (2 * columns + 1) / (2 * side)).astype(np.float32)


_LOWEST = _dct(LOW, SIDE_PX)
MIDDLE = 31  # of the 63 frequencies without the mean
_WEIGHTS = (1 << np.arange(64, dtype=np.uint64)).astype(np.uint64)


def hash64(image: Image.Image) -> int:
    """Hash a picture to a signed 64-bit integer; alike pictures differ in few bits."""
    grey = image.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    lowest = (_LOWEST @ np.asarray(grey, dtype=np.float32) @ _LOWEST.T).ravel()
    bits = lowest > np.sort(lowest[1:])[MIDDLE]
    return int(_WEIGHTS[bits].sum(dtype=np.uint64).astype(np.int64))


def is_grey(image: Image.Image) -> bool:
    """Say whether an RGB picture has no colour anywhere, but for a few levels of noise."""
    few = image.resize((TINY_PX, TINY_PX), Image.Resampling.NEAREST)  # settles most at once
    return _most_colour(few) <= GREY_LEVELS and _most_colour(image) <= GREY_LEVELS


def tiny(image: Image.Image) -> NDArray[np.uint8]:
    """Shrink a picture to 16x16 pixels of red, green and blue, flattened."""
    small = image.convert("RGB").resize((TINY_PX, TINY_PX), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8).ravel()


def _most_colour(image: Image.Image) -> int:
    red, green, blue = np.moveaxis(np.asarray(image), 2, 0)
    most = np.maximum(np.maximum(red, green), blue)
    return int((most - np.minimum(np.minimum(red, green), blue)).max())
