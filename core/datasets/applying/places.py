"""Where the bytes of items lie now, whatever was moved since: older revisions still train."""

import os
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from core.datasets.applying import journal
from core.datasets.catalog import registry
from core.datasets.catalog.queries import chunks
from core.store import database, schema


def current(dataset_id: str, item_ids: Sequence[int]) -> dict[int, str]:
    """Give the paths, below the root, of the files of items as they are now.

    Those that an application put into the trash are found there, also where it was one of another
    dataset on the same files. An item whose file is nowhere any more keeps the path that it had
    last.
    """
    table = schema.items
    paths: dict[int, str] = {}
    gone: dict[int, str | None] = {}
    with database.reading() as connection:
        for some in chunks(item_ids):
            query = sa.select(table.c.id, table.c.path, table.c.status, table.c.content_hash)
            mine = query.where(table.c.id.in_(some), table.c.dataset_id == dataset_id)
            for item_id, path, status, content_hash in connection.execute(mine).all():
                paths[item_id] = path
                if status == "gone":
                    gone[item_id] = content_hash
    found = journal.trashed(dataset_id, list(gone))
    rest = {at: known for at, known in gone.items() if at not in found and known is not None}
    return {**paths, **found, **_thrown_elsewhere(dataset_id, rest)}


def _thrown_elsewhere(dataset_id: str, content_hashes: Mapping[int, str]) -> dict[int, str]:
    """Give the paths, which may lead up from the root, of equal files in the trash of others."""
    if not content_hashes:
        return {}
    root = registry.get(dataset_id).root
    places = journal.list_all_in_trash(sorted(set(content_hashes.values())))
    there = {
        known: next((one for one in some if one.is_file()), None) for known, some in places.items()
    }
    return {
        item_id: os.path.relpath(place, root)
        for item_id, known in content_hashes.items()
        if (place := there.get(known)) is not None
    }
