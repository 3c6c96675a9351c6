"""Files of equal content: plain copies, copies with other labels, and copies in other parts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from core.datasets.catalog.queries import with_parts
from core.datasets.finders import keeping
from core.domain.findings import Finding, FindingKind
from core.store import database, schema

SCORES: dict[FindingKind, float] = {"conflict": 0.99, "leak": 0.98, "copy": 0.97}
"""That the files are equal is certain; of labels that contradict each other one is wrong."""


def find(
    dataset_id: str, *, split_id: str | None, doubt: Mapping[int, float] | None = None
) -> list[Finding]:
    """Find items in use whose files are equal: one finding for each but the one to keep.

    `doubt` says of items, where it is known, how suspicious their label is, 0–1.
    """
    groups: dict[str, list[Any]] = defaultdict(list)
    with database.reading() as connection:
        for row in connection.execute(_equal(dataset_id, split_id)):
            groups[row.content_hash].append(row)
    return [one for rows in groups.values() for one in _of_group(rows, doubt or {})]


def _equal(dataset_id: str, split_id: str | None) -> sa.Select[Any]:
    items, parts = schema.items, schema.assignments
    in_use = (items.c.dataset_id == dataset_id, items.c.status == "ok", ~items.c.excluded)
    several = (
        sa.select(items.c.content_hash)
        .where(*in_use, items.c.content_hash.is_not(None))
        .group_by(items.c.content_hash)
        .having(sa.func.count() > 1)
    )
    columns = (items.c.id, items.c.path, items.c.label, items.c.content_hash, items.c.decision)
    return (
        sa.select(*columns, parts.c.part)
        .select_from(with_parts(split_id))
        .where(*in_use, items.c.content_hash.in_(several))
        .order_by(items.c.id)
    )


def _of_group(rows: Sequence[Any], doubt: Mapping[int, float]) -> Iterable[Finding]:
    ordered = _best_first(rows, doubt)
    kept = ordered[0]
    members = tuple(row.id for row in ordered)
    for row in ordered[1:]:
        kind = _kind(row, kept)
        yield Finding(
            item_id=row.id,
            kind=kind,
            score=SCORES[kind],
            reason=_reason(kind, row, kept),
            suggestion="exclude",
            members=members,
        )


def _best_first(rows: Sequence[Any], doubt: Mapping[int, float]) -> list[Any]:
    n_of = Counter(row.label for row in rows)
    return sorted(
        rows,
        key=lambda row: keeping.rank(
            part=row.part,
            is_decided=row.decision is not None,
            doubt=doubt.get(row.id),
            n_label=n_of[row.label],
            path=row.path,
        ),
    )


def _kind(row: Any, kept: Any) -> FindingKind:
    if row.part != kept.part:
        return "leak"
    return "copy" if row.label == kept.label else "conflict"


def _reason(kind: FindingKind, row: Any, kept: Any) -> str:
    labels = f"labelled {row.label or 'nothing'} here and {kept.label or 'nothing'} there"
    if kind == "copy":
        return f"The same file as {kept.path}."
    if kind == "conflict":
        return f"The same file as {kept.path}, {labels}: one label is wrong."
    where = f"The same file is in {kept.part} as {kept.path}"
    return f"{where}." if row.label == kept.label else f"{where}, {labels}."
