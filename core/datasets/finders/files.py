"""Files that are no readable images, as the last scan found them."""

import sqlalchemy as sa

from core.domain.findings import Finding
from core.store import database, schema


def find(dataset_id: str) -> list[Finding]:
    """Find items that cannot be read: truncated, damaged, or no image at all."""
    items = schema.items
    query = sa.select(items.c.id, items.c.reason).where(
        items.c.dataset_id == dataset_id, items.c.status == "broken", ~items.c.excluded
    )
    with database.reading() as connection:
        return [
            Finding(
                item_id=row.id,
                kind="broken",
                score=1.0,
                reason=f"The file {row.reason or 'cannot be read'}.",
                suggestion="exclude",
            )
            for row in connection.execute(query.order_by(items.c.id))
        ]
