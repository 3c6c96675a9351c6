"""Small JPEGs by content, made once and kept; never decoded in the process that asks."""

from pathlib import Path

import sqlalchemy as sa

from core.datasets import applying, decoding, images, reading
from core.domain.errors import ConflictError, NotFoundError, UnreadableImageError, WinnowError
from core.store import database, files, schema

SIZES_PX = (256, 512, 1280)
"""The longer sides on offer: for galleries (made by the scan), top losses, a large view."""

MOST_SOURCES = 5
"""How many equal files are tried: the first may have been changed or moved since the scan."""


def get(content_hash: str, *, size_px: int = 256) -> Path:
    """Get the JPEG of some content, made in a child process where it is missing.

    Raises NotFoundError where no scanned file has that content, UnreadableImageError or
    ConflictError where none of those files can be shown any more. Any thread may ask.
    """
    found = find(content_hash, size_px=size_px)
    if found is not None:
        return found
    failure: WinnowError = NotFoundError(
        f"No image of the content {content_hash} is known.", hint="Scan the folder again."
    )
    for source in _list_sources(content_hash):
        try:
            return make(source, content_hash, size_px=size_px)
        except (ConflictError, UnreadableImageError) as error:
            failure = error
    raise failure


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


def _list_sources(content_hash: str) -> list[Path]:
    items, datasets = schema.items, schema.datasets
    query = (
        sa.select(datasets.c.root, items.c.path)
        .join(datasets, datasets.c.id == items.c.dataset_id)
        .where(items.c.dataset_id.in_(sa.select(datasets.c.id)))  # lets the index be used
        .where(items.c.content_hash == content_hash, items.c.status == "ok")
        .limit(MOST_SOURCES)
    )
    with database.reading() as connection:
        found = [Path(row.root, row.path) for row in connection.execute(query)]
    return found or applying.list_in_trash(content_hash)
