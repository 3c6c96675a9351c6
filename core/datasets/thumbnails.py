"""Small JPEGs of items, made once and kept by content; never decoded in the process that asks."""

from dataclasses import dataclass
from pathlib import Path

from core.datasets import decoding, images, reading
from core.datasets.catalog import queries, registry
from core.domain.errors import ConflictError, InputError
from core.store import files

SIZES_PX = (256, 1024)
"""The longer sides on offer: one for galleries, one for a large view."""


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """A JPEG in the cache; the content hash and the size together never change their meaning."""

    path: Path
    content_hash: str
    size_px: int


def get(item_id: int, *, size_px: int = 256) -> Thumbnail:
    """Get an item's thumbnail, made in a child process where it is missing; any thread may ask.

    Raises NotFoundError for an unknown item, UnreadableImageError for one that is no picture, and
    ConflictError where the file is not the one that was scanned.
    """
    if size_px not in SIZES_PX:
        raise InputError(
            f"{size_px} px is not a size of thumbnails.", hint=f"Ask for one of {SIZES_PX}."
        )
    item = queries.get_item(item_id)
    source = Path(registry.get(item.dataset_id).root) / item.path
    if item.content_hash is None:
        raise images.unreadable(source, item.reason or "is no readable image")
    path = find(item.content_hash, size_px=size_px)
    if path is None:
        path = make(source, item.content_hash, size_px=size_px)
    return Thumbnail(path=path, content_hash=item.content_hash, size_px=size_px)


def find(content_hash: str, *, size_px: int = 256) -> Path | None:
    """Find the thumbnail of some content in the cache."""
    path = files.thumbnail(content_hash, size_px)
    return path if reading.is_kept(path) else None


def make(source: Path, content_hash: str, *, size_px: int = 256) -> Path:
    """Make the thumbnail of a file that was scanned with this content hash."""
    found = decoding.read_one(source, size_px=size_px)
    if found.reason is not None:
        raise images.unreadable(source, found.reason)
    if found.content_hash != content_hash:
        raise ConflictError(
            f"{source} has changed since it was scanned.", hint="Scan the folder again."
        )
    return files.thumbnail(content_hash, size_px)
