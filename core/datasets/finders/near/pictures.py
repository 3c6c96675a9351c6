"""The small pictures that are compared: thumbnails by content, in grey or in colour."""

from functools import lru_cache

from PIL import Image

from core.datasets import images, thumbnails
from core.domain.errors import WinnowError

KEPT = 256
"""How many decoded thumbnails are kept: 50 MB."""


@lru_cache(maxsize=KEPT)
def colour(content_hash: str) -> Image.Image | None:
    """Load a thumbnail as luminance and colour (YCbCr); None where none can be read."""
    loaded = _load(content_hash, at_least_px=None)
    return None if loaded is None else loaded.convert("YCbCr")


def small_grey(content_hash: str, *, at_least_px: int) -> Image.Image | None:
    """Load a thumbnail in grey, perhaps reduced; None where none can be read."""
    loaded = _load(content_hash, at_least_px=at_least_px)
    return None if loaded is None else loaded.convert("L")


def _load(content_hash: str, *, at_least_px: int | None) -> Image.Image | None:
    try:
        return images.load(thumbnails.get(content_hash), at_least_px=at_least_px)
    except WinnowError:
        return None  # its file went or changed since the scan: the next scan looks again
