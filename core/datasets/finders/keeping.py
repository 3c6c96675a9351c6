"""Which of equal files is the one to keep: one order for all finders, so that none contradicts.

Two finders that kept different ones of the same files would together suggest to exclude them all.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from core.datasets.catalog.queries import chunks
from core.store import database, schema

UNKNOWN_DOUBT = 0.5
PART_RANK = {"test": 0, "valid": 1}
"""Who stays first: what scores are measured on never loses an image to a copy that is taught."""

Rank = tuple[int, bool, float, int, int, str]


def rank(
    *, part: str | None, is_decided: bool, doubt: float | None, n_label: int, path: str
) -> Rank:
    """Sort the best first: by part, decided ones, the least doubt, the commonest label, the path.

    `doubt` says how suspicious its label is, 0 to 1; None: that is not known. `n_label` counts
    the files of the same content that have its label.
    """
    return (
        PART_RANK.get(part or "", len(PART_RANK)),
        not is_decided,
        UNKNOWN_DOUBT if doubt is None else doubt,
        -n_label,
        len(path),
        path,
    )


def decided(item_ids: Sequence[int]) -> frozenset[int]:
    """Give those of some items that somebody has decided about."""
    items = schema.items
    found: set[int] = set()
    with database.reading() as connection:
        for some in chunks(item_ids):
            query = sa.select(items.c.id).where(items.c.id.in_(some))
            found.update(connection.execute(query.where(items.c.decision.is_not(None))).scalars())
    return frozenset(found)
