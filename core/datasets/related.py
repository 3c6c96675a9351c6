"""What else is known of one image: its equals, and what was decided about it."""

import sqlalchemy as sa

from core.datasets import catalog, edits
from core.datasets.edits import LogEntry
from core.domain.items import Item
from core.store import database, schema


def list_mates(item: Item, *, split_id: str | None = None) -> list[Item]:
    """List the present images that are equal or nearly equal to an item, without itself."""
    if item.group_id is None:
        return []
    table = schema.items
    query = (
        sa.select(table.c.id)
        .where(table.c.dataset_id == item.dataset_id, table.c.group_id == item.group_id)
        .where(table.c.status == "ok", table.c.id != item.id)
        .order_by(table.c.path)
    )
    with database.reading() as connection:
        found = list(connection.execute(query).scalars())
    return list(catalog.get_items(found, split_id=split_id).values())


def list_edits(item: Item) -> list[LogEntry]:
    """List the edits of one image, the newest first; undone ones are not in force."""
    table = schema.edits
    query = sa.select(table.c.revision).where(
        table.c.item_id == item.id, table.c.dataset_id == item.dataset_id
    )
    with database.reading() as connection:
        revisions = set(connection.execute(query).scalars())
    if not revisions:
        return []
    log = edits.list_log(item.dataset_id, limit=catalog.get(item.dataset_id).revision)
    return [entry for entry in log if entry.revision in revisions]
