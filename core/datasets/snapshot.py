"""Whether a folder is exactly as the last scan left it, told by one hash of its listing.

Loading a hundred thousand rows to find that none differs takes longer than listing the folder; a
hash that a scan has left when all was settled says the same at once. It is dropped before a scan
stores its first change, so a killed scan leaves none.
"""

import hashlib
import marshal
from pathlib import Path

import sqlalchemy as sa

from core.datasets.comparison import is_settled
from core.datasets.folders import Listing
from core.datasets.labelling.table import table_path
from core.domain.items import Dataset
from core.domain.labellers import TableLabeller
from core.store import database, schema

FORMAT = 1
"""To be raised when scans learn to read more of unchanged files."""

DATASETS = schema.datasets


def digest(dataset: Dataset, listing: Listing) -> str:
    """Hash where a dataset lies, its table's size and time, every file, and what was ignored."""
    seen = hashlib.blake2b(digest_size=16)
    head = (FORMAT, dataset.root, _table(dataset), sorted(listing.ignored.items()))
    # version 2 of marshal writes equal values alike, whatever else refers to them
    seen.update(marshal.dumps(head, 2))
    seen.update(marshal.dumps(listing.files, 2))
    return seen.hexdigest()


def find(dataset_id: str) -> str | None:
    """Find the hash that the last scan has left, if all was settled then."""
    query = sa.select(DATASETS.c.listing_hash).where(DATASETS.c.id == dataset_id)
    with database.reading() as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def forget(dataset_id: str) -> None:
    """Drop the hash, before anything that it stands for changes."""
    _store(dataset_id, None)


def keep(dataset_id: str, listing_hash: str) -> None:
    """Leave the hash for the next scan, unless an item is to be looked at again anyway."""
    items = schema.items
    unsettled = (
        sa.select(items.c.id)
        .where(items.c.dataset_id == dataset_id, items.c.status != "gone", ~is_settled())
        .limit(1)
    )
    with database.reading() as connection:
        odd = connection.execute(unsettled).first()
    if odd is None:
        _store(dataset_id, listing_hash)


def _store(dataset_id: str, listing_hash: str | None) -> None:
    mine = sa.update(DATASETS).where(DATASETS.c.id == dataset_id)
    with database.writing() as connection:
        connection.execute(mine.values(listing_hash=listing_hash))


def _table(dataset: Dataset) -> tuple[int, int] | None:
    if not isinstance(dataset.labeller, TableLabeller):
        return None
    try:
        status = table_path(dataset.labeller, Path(dataset.root)).stat()
    except OSError:
        return None  # the reader of the table says what is wrong with it
    return status.st_size, status.st_mtime_ns
