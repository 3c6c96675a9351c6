"""All findings of a dataset at once, kept in memory until a finder replaces some of them.

Reading thirty thousand rows into findings takes a second; the review queue asks after each
decision, which changes none of them.
"""

import functools

import sqlalchemy as sa

from core.datasets.findings import registry
from core.domain.findings import Finding
from core.store import database, schema

FINDINGS = schema.findings


def of_dataset(dataset_id: str) -> tuple[Finding, ...]:
    """List all findings of a dataset, decided or not, in the order in which they were stored."""
    return _of_dataset(database.url(), dataset_id, registry.stamp(dataset_id))


@functools.lru_cache(maxsize=4)
def _of_dataset(_address: str, dataset_id: str, _stamp: registry.Stamp) -> tuple[Finding, ...]:
    query = sa.select(FINDINGS).where(FINDINGS.c.dataset_id == dataset_id)
    with database.reading() as connection:
        return tuple(map(registry.finding, connection.execute(query.order_by(FINDINGS.c.id))))
