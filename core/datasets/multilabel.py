"""How the labels of a dataset are read, asked within a transaction."""

import sqlalchemy as sa

from core.domain import labellers
from core.domain.labellers import FolderLabeller, Labeller
from core.store import schema


def find_labeller(connection: sa.Connection, dataset_id: str) -> Labeller:
    """Find the labeller of a dataset; an unknown one counts as one of class folders."""
    query = sa.select(schema.datasets.c.labeller).where(schema.datasets.c.id == dataset_id)
    stored = connection.execute(query).scalar_one_or_none()
    return FolderLabeller() if stored is None else labellers.parse(stored)


def is_multi_label(connection: sa.Connection, dataset_id: str) -> bool:
    """Say whether a dataset is a multi-label one; an unknown one is not."""
    return labellers.is_multi_label(find_labeller(connection, dataset_id))
