"""How many images a dataset has, each counted once however many labels it has."""

from dataclasses import dataclass

import sqlalchemy as sa

from core.store import database, schema


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Numbers of present items."""

    n_in_use: int
    n_excluded: int
    n_broken: int

    @property
    def n_images(self) -> int:
        """Count what can be read, in use or not."""
        return self.n_in_use + self.n_excluded


def totals(dataset_id: str) -> Totals:
    """Count a dataset's present items by what they are good for."""
    table = schema.items
    query = (
        sa.select(table.c.status, table.c.excluded, sa.func.count())
        .where(table.c.dataset_id == dataset_id, table.c.status != "gone")
        .group_by(table.c.status, table.c.excluded)
    )
    with database.reading() as connection:
        rows = connection.execute(query).all()
    ok = {bool(excluded): number for status, excluded, number in rows if status == "ok"}
    broken = sum(number for status, _excluded, number in rows if status == "broken")
    return Totals(n_in_use=ok.get(False, 0), n_excluded=ok.get(True, 0), n_broken=broken)
