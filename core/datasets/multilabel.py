"""Whether the items of a dataset may have several labels, asked within a transaction."""

import sqlalchemy as sa

from core.domain import labellers
from core.store import schema


def is_multi_label(connection: sa.Connection, dataset_id: str) -> bool:
    """Say whether a dataset is a multi-label one; an unknown one is not."""
    query = sa.select(schema.datasets.c.labeller).where(schema.datasets.c.id == dataset_id)
    stored = connection.execute(query).scalar_one_or_none()
    return stored is not None and labellers.is_multi_label(labellers.parse(stored))
