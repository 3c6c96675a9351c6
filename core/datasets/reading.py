"""What one pass over one file finds out: hash, size, looks and a thumbnail; for children only."""

import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from PIL import Image

from core.datasets import damage, images, perceptual
from core.store import files

THUMBNAIL_PX = 256
SLACK = 1.125
"""A picture that is larger than asked for by no more than this is kept as it is.

Decoders halve a JPEG for nothing: a photo of 400x533 comes as 200x267, and the step from there to
192x256 would cost as much as decoding it.
"""
QUALITY = 85
_TOKEN = secrets.token_hex(4)  # two machines that share a home may have processes of one number
_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file holds; a file that is no picture has a reason, in words that follow its name."""

    content_hash: str | None = None  # blake2b of 16 bytes, in hex; None: not even readable
    reason: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    format: str | None = None
    mode: str | None = None  # Pillow's, as the file has it
    is_grey: bool | None = None  # by its pixels, whatever its mode
    is_misnamed: bool | None = None  # its ending belongs to another format
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
        mode=picture.mode,
        is_grey=perceptual.is_grey(small),
        is_misnamed=images.is_misnamed(path, picture.format),
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
    if longer <= size_px * SLACK:
        return image
    width, height = (max(1, round(side * size_px / longer)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _keep(image: Image.Image, path: Path) -> None:
    """Write a thumbnail whole or not at all, without the syncs that a cache need not wait for.

    It is begun in one folder for all: ext4 takes half as long there as in 256 different ones,
    whose inodes lie far apart.
    """
    if is_kept(path):
        return
    part = path.parents[1] / f".{os.getpid()}-{_TOKEN}.part"
    try:
        with _in_folder(part.parent, lambda: open(part, "wb", opener=_OPEN)) as file:
            image.save(file, "JPEG", quality=QUALITY, comment=b"")
        _in_folder(path.parent, lambda: part.replace(path))
    except BaseException:
        part.unlink(missing_ok=True)
        raise


_OPEN = partial(os.open, mode=0o600)


def _in_folder(folder: Path, make: Callable[[], _Made]) -> _Made:
    """Make something in a folder, which is made as well where it is missing."""
    try:
        return make()
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        return make()
