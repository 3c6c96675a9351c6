"""Findings in the store: a finder replaces what it found before, all or nothing."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from core.datasets.catalog.queries import chunks
from core.domain.findings import Finder, Finding
from core.store import clock, database, schema

FINDINGS = schema.findings
Stamp = tuple[int, int, float]


def replace(dataset_id: str, finder: Finder, found: Sequence[Finding]) -> None:
    """Put what a finder found in the place of what it had found before."""
    now = clock.now()
    rows = [
        {
            "dataset_id": dataset_id,
            "item_id": one.item_id,
            "finder": finder,
            "kind": one.kind,
            "score": one.score,
            "reason": one.reason,
            "suggestion": one.suggestion,
            "label": one.label,
            "members": list(one.members) or None,
            "created_at": now,
        }
        for one in found
    ]
    old = sa.delete(FINDINGS).where(
        FINDINGS.c.dataset_id == dataset_id, FINDINGS.c.finder == finder
    )
    with database.writing() as connection:
        connection.execute(old)
        if rows:
            connection.execute(sa.insert(FINDINGS), rows)


def of_items(item_ids: Sequence[int]) -> dict[int, list[Finding]]:
    """List the findings about some items, decided or not, the highest score first."""
    found: dict[int, list[Finding]] = defaultdict(list)
    with database.reading() as connection:
        for some in chunks(item_ids):
            query = sa.select(FINDINGS).where(FINDINGS.c.item_id.in_(some))
            for row in connection.execute(query.order_by(FINDINGS.c.score.desc(), FINDINGS.c.id)):
                found[row.item_id].append(finding(row))
    return dict(found)


def stamp(dataset_id: str) -> Stamp:
    """Give a value that changes whenever a finder replaces its findings.

    The time belongs to it: SQLite gives the ids of deleted rows to the next ones.
    """
    columns = (sa.func.max(FINDINGS.c.id), sa.func.count(), sa.func.max(FINDINGS.c.created_at))
    query = sa.select(*columns).where(FINDINGS.c.dataset_id == dataset_id)
    with database.reading() as connection:
        newest, number, created_at = connection.execute(query).one()
    return newest or 0, number, created_at or 0.0


def finding(row: sa.Row[tuple[object, ...]]) -> Finding:
    """Read a row of the table."""
    return Finding(
        item_id=row.item_id,
        kind=row.kind,
        score=row.score,
        reason=row.reason,
        suggestion=row.suggestion,
        label=row.label,
        members=tuple(row.members or ()),
    )
