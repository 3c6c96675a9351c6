"""What one pass over one file finds out: hash, size, looks and a thumbnail; for children only."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core.datasets import damage, images, perceptual
from core.store import files

THUMBNAIL_PX = 256
QUALITY = 85


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file holds; a file that is no picture has a reason, in words that follow its name."""

    content_hash: str | None = None  # blake2b of 16 bytes, in hex; None: not even readable
    reason: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    format: str | None = None
    perceptual_hash: int | None = None  # signed 64 bits


def read(path: str, size_px: int = THUMBNAIL_PX) -> Reading:
    """Read a file once: hash it, decode it whole, and leave its thumbnail in the cache."""
    content_hash = None
    try:
        content = images.read(path)
        content_hash = hash_of(content)
        picture = images.decode(content, cover_px=max(size_px, THUMBNAIL_PX))
    except damage.DamageError as error:
        return Reading(content_hash=content_hash, reason=error.reason)
    small = _within(picture.image, size_px)
    _keep(small, files.thumbnail(content_hash, size_px))
    return Reading(
        content_hash=content_hash,
        width_px=picture.width_px,
        height_px=picture.height_px,
        format=picture.format,
        perceptual_hash=perceptual.hash64(small),
    )


def hash_of(content: bytes) -> str:
    """Hash a file's bytes: the name of everything that is derived from them."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def is_kept(path: Path) -> bool:
    """Say whether a thumbnail is there; a crash of the machine may leave an empty one."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _within(image: Image.Image, size_px: int) -> Image.Image:
    longer = max(image.size)
    if longer <= size_px:
        return image
    width, height = (max(1, round(side * size_px / longer)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _keep(image: Image.Image, path: Path) -> None:
    """Write a thumbnail whole or not at all, without the syncs that a cache need not wait for."""
    if is_kept(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            image.save(file, "JPEG", quality=QUALITY)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
