"""Which jobs are lost: their process is dead, or silent for too long."""

import time
from typing import Any

import psutil
import sqlalchemy as sa

from core.domain.jobs import ACTIVE, SILENT_SECONDS
from core.store import clock, database
from core.store.jobs.asking import no_wish


def sweep(table: sa.Table) -> list[str]:
    """Mark the jobs whose process is dead, or silent for too long, as lost, and name them.

    Silence is what this process has watched, by a clock that stands still while the machine
    sleeps: a run that slept along with its machine is not lost.
    """
    columns = (table.c.id, table.c.pid, table.c.process_started_at, table.c.heartbeat_at)
    query = sa.select(*columns).where(table.c.status.in_(ACTIVE))
    with database.reading() as connection:
        rows = connection.execute(query).all()
    for gone in _watched.keys() - {(table.name, row.id) for row in rows}:
        if gone[0] == table.name:
            del _watched[gone]
    lost = [row.id for row in rows if _is_lost(table, row)]
    if lost:
        values = {
            **no_wish(table),
            "status": "lost",
            "finished_at": clock.now(),
            "error": "Its process ended without a word: it was killed, or the machine stopped.",
            "hint": "Start it again; the log may say more.",
        }
        ended = sa.update(table).where(table.c.id.in_(lost), table.c.status.in_(ACTIVE))
        with database.writing() as connection:
            connection.execute(ended.values(**values))
    return lost


def is_alive(pid: int, started_at: float) -> bool:
    """Say whether that very process runs; neither a zombie does nor a newer one of its number."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started_at) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _is_lost(table: sa.Table, row: Any) -> bool:
    if row.pid is not None and not is_alive(row.pid, row.process_started_at):
        return True
    key, now = (table.name, row.id), time.monotonic()
    heartbeat, since = _watched.get(key, (None, now))
    if heartbeat != row.heartbeat_at:
        since = now
    _watched[key] = (row.heartbeat_at, since)
    return now - since > SILENT_SECONDS


_watched: dict[tuple[str, str], tuple[float | None, float]] = {}
