"""The labels, parts and contents of now, which anything that was measured must still fit."""

import pandas as pd
import sqlalchemy as sa

from core.datasets import splits
from core.datasets.catalog.queries import with_parts
from core.store import database, schema

COLUMNS = ["item_id", "label", "part", "content_hash"]


def items(dataset_id: str) -> pd.DataFrame:
    """List the items in use: item_id, label, part (of the master split, or None), content_hash."""
    split = splits.get_master(dataset_id)
    table = schema.items
    query = (
        sa.select(table.c.id, table.c.label, schema.assignments.c.part, table.c.content_hash)
        .select_from(with_parts(split.id if split is not None else None))
        .where(table.c.dataset_id == dataset_id, table.c.status == "ok", ~table.c.excluded)
        .order_by(table.c.id)
    )
    with database.reading() as connection:
        rows = connection.execute(query).all()
    return pd.DataFrame(rows, columns=COLUMNS)


def still_so(measured: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of items in use whose label and content, as far as told, are as they were."""
    keys = [name for name in ("item_id", "label", "content_hash") if name in measured]
    return measured.merge(now[keys], on=keys, how="inner")
