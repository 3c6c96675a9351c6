"""Datasets in the store whose items look as a test wants them, without any file."""

from typing import Any

import sqlalchemy as sa

from core.domain.labellers import TableLabeller
from core.store import database, schema
from tests.datasets import shelves

SEVERAL = TableLabeller(
    table="labels.csv", file_column="file", label_column="labels", separator=" "
)


def items(*rows: dict[str, Any], multi: bool = False) -> tuple[str, list[int]]:
    """Shelve an item a row of columns; gives the dataset's id and theirs, in that order."""
    dataset_id, ids = shelves.shelved(["any"] * len(rows))
    table = schema.items
    with database.writing() as connection:
        for item_id, row in zip(ids, rows, strict=True):
            values = {"recorded_label": row["label"], **row} if "label" in row else row
            connection.execute(sa.update(table).where(table.c.id == item_id).values(**values))
        how = {"labeller": SEVERAL.model_dump(mode="json")} if multi else {}
        mine = sa.update(schema.datasets).where(schema.datasets.c.id == dataset_id)
        connection.execute(mine.values(scanned_at=1.0, **how))
    return dataset_id, ids


def several(*labels: str) -> tuple[str, list[int]]:
    """Shelve a multi-label dataset of these joined labels."""
    return items(*({"label": label} for label in labels), multi=True)
