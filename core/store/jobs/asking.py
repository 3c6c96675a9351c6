"""What a person asks of a job that waits or works: an end, a pause."""

import sqlalchemy as sa

from core.domain.jobs import ACTIVE, Wish
from core.store import clock, database


def request_stop(table: sa.Table, job_id: str) -> None:
    """Ask a job to end; one that nobody has begun ends at once."""
    now = clock.now()
    waiting = sa.and_(table.c.status == "queued", table.c.pid.is_(None))
    with database.writing() as connection:
        mine = sa.update(table).where(table.c.id == job_id)
        connection.execute(mine.where(waiting).values(status="stopped", finished_at=now))
        active = mine.where(table.c.status.in_(ACTIVE))
        connection.execute(active.values(status="stopping", stop_requested=True))


def waiting_since(table: sa.Table) -> sa.ColumnElement[float]:
    """Give since when a queued row waits: a run that is continued waits since then."""
    return sa.func.coalesce(table.c.heartbeat_at, table.c.created_at)


def express_wish(table: sa.Table, job_id: str, wish: Wish | None) -> None:
    """Ask a job that works for something that can be taken back (None)."""
    mine = sa.update(table).where(table.c.id == job_id, table.c.status.in_(ACTIVE))
    with database.writing() as connection:
        connection.execute(mine.values(wish=wish))


def no_wish(table: sa.Table) -> dict[str, None]:
    """Give the column that says what a person wishes, empty, where the table has it."""
    return {"wish": None} if "wish" in table.c else {}
