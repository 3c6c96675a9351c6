"""Images by their content hash, as the addresses of thumbnails name them."""

from pathlib import Path

import sqlalchemy as sa

from core.datasets import thumbnails
from core.domain.errors import ConflictError, NotFoundError, UnreadableImageError, WinnowError
from core.store import database, schema

MOST_SOURCES = 5
"""How many equal files are tried: the first may have been changed or moved since the scan."""


def get_thumbnail(content_hash: str, *, size_px: int) -> Path:
    """Get the JPEG of some content, made in a child process where it is missing.

    Raises NotFoundError where no scanned file has that content, and what `thumbnails.make` raises
    where none of them can be shown any more.
    """
    found = thumbnails.find(content_hash, size_px=size_px)
    if found is not None:
        return found
    failure: WinnowError = NotFoundError(
        f"No image of the content {content_hash} is known.", hint="Scan the folder again."
    )
    for source in _list_sources(content_hash):
        try:
            return thumbnails.make(source, content_hash, size_px=size_px)
        except (ConflictError, UnreadableImageError) as error:
            failure = error
    raise failure


def _list_sources(content_hash: str) -> list[Path]:
    items, datasets = schema.items, schema.datasets
    query = (
        sa.select(datasets.c.root, items.c.path)
        .join(datasets, datasets.c.id == items.c.dataset_id)
        .where(items.c.content_hash == content_hash, items.c.status == "ok")
        .limit(MOST_SOURCES)
    )
    with database.reading() as connection:
        return [Path(row.root, row.path) for row in connection.execute(query)]
