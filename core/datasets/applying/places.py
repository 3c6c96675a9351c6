"""Where the bytes of items lie now, whatever was moved since: older revisions still train."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.datasets.applying import journal
from core.datasets.catalog.queries import chunks
from core.store import database, schema


def current(dataset_id: str, item_ids: Sequence[int]) -> dict[int, str]:
    """Give the paths, below the root, of the files of items as they are now.

    Those that an application put into the trash are found there. An item whose file is nowhere
    any more keeps the path that it had last.
    """
    table = schema.items
    paths: dict[int, str] = {}
    gone: list[int] = []
    with database.reading() as connection:
        for some in chunks(item_ids):
            query = sa.select(table.c.id, table.c.path, table.c.status)
            mine = query.where(table.c.id.in_(some), table.c.dataset_id == dataset_id)
            for item_id, path, status in connection.execute(mine).all():
                paths[item_id] = path
                if status == "gone":
                    gone.append(item_id)
    return {**paths, **journal.trashed(dataset_id, gone)}
