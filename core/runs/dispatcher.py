"""Give the device to one job at a time, start what needs none at once, and find the lost.

It runs in one thread of one server a home: a lock file says which.
"""

import fcntl
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.domain.jobs import ACTIVE, TaskKind
from core.runs import devices, executor, hosts, processes
from core.store import clock, database, files, jobs, schema

STEP_SECONDS = 0.2
SWEEP_SECONDS = 2.0
HOST_PATIENCE_SECONDS = 60.0
N_WITHOUT_DEVICE: dict[TaskKind, int] = {"preview": 2, "public": 2, "predict": 2, "export": 2}
"""How many tasks of a kind run at a time: more would only slow each other down."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Job:
    table: sa.Table
    id: str
    since: float
    n_devices: int = 1

    @property
    def kind(self) -> str:
        return "run" if self.table is schema.runs else "task"

    @property
    def log(self) -> Path:
        return files.run_log(self.id) if self.kind == "run" else files.task_log(self.id)


def serve(stop: threading.Event) -> None:
    """Dispatch until `stop` is set; another server's dispatcher on the same home is waited for."""
    with files.lock("dispatcher").open("a") as lock:
        while not _taken(lock):
            if stop.wait(SWEEP_SECONDS):
                return
        swept_at = 0.0
        while not stop.wait(STEP_SECONDS):
            try:
                if time.monotonic() - swept_at > SWEEP_SECONDS:
                    sweep()
                    swept_at = time.monotonic()
                step()
            except Exception:  # whatever happens, others still wait for the device
                log.exception("The dispatcher goes on")


def sweep() -> None:
    """Mark jobs without a living process as lost, and collect ended children."""
    processes.reap()
    for table in (schema.runs, schema.tasks):
        jobs.sweep(table)


def step() -> None:
    """Start what can be started now."""
    if not _is_host_due():
        return
    for job in _startable():
        _start(job)


def _is_host_due() -> bool:
    """Say whether waiting jobs may start; on the CPU they wait for the host to be ready."""
    if devices.list_devices() != (devices.CPU,):
        return True
    oldest = _oldest_waiting()
    if oldest is None or hosts.is_ready():
        return True
    hosts.warm()
    return clock.now() - oldest > HOST_PATIENCE_SECONDS


def _startable() -> list[tuple[_Job, str]]:
    with database.reading() as connection:
        busy = _busy_devices(connection)
        free = [device for device in devices.list_devices() if device not in busy]
        found = _given(_waiting_for_device(connection), free)
        for kind in N_WITHOUT_DEVICE:
            without = _waiting_without_device(connection, kind)
            found += [(job, devices.CPU) for job in without]
    return found


def _given(waiting: Sequence[_Job], free: Sequence[str]) -> list[tuple[_Job, str]]:
    """Give devices to the oldest jobs; one that waits for several lets no younger one pass."""
    given: list[tuple[_Job, str]] = []
    for job in waiting:
        device = devices.take(free, job.n_devices)
        if device is None:
            break
        given.append((job, device))
        free = free[len(device.split(",")) :]
    return given


def _start(pair: tuple[_Job, str]) -> None:
    job, device = pair
    table = job.table
    mine = sa.update(table).where(table.c.id == job.id, table.c.status == "queued")
    values = {"status": "running", "device": device, "heartbeat_at": clock.now()}
    with database.writing() as connection:
        if connection.execute(mine.values(**values)).rowcount != 1:
            return  # stopped meanwhile
    try:
        executor.start(job.kind, job.id, device=device, log=job.log)
    except OSError as error:
        failed = {
            "status": "failed",
            "finished_at": clock.now(),
            "error": f"Its process could not be started: {error}.",
            "hint": "Free memory or disk space on this machine, then start it again.",
        }
        with database.writing() as connection:
            connection.execute(sa.update(table).where(table.c.id == job.id).values(**failed))


def _waiting_for_device(connection: sa.Connection) -> list[_Job]:
    of_runs = _rows(connection, schema.runs, sa.true())
    of_tasks = _rows(connection, schema.tasks, schema.tasks.c.needs_device)
    return sorted([*of_runs, *of_tasks], key=lambda job: job.since)


def _rows(
    connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]
) -> list[_Job]:
    recipe = table.c.recipe if "recipe" in table.c else sa.null().label("recipe")
    query = (
        sa.select(table.c.id, jobs.waiting_since(table).label("since"), recipe)
        .where(table.c.status == "queued", condition)
        .order_by("since")
    )
    return [
        _Job(
            table=table,
            id=row.id,
            since=row.since,
            n_devices=(row.recipe or {}).get("n_devices", 1),
        )
        for row in connection.execute(query)
    ]


def _busy_devices(connection: sa.Connection) -> set[str]:
    runs, tasks = schema.runs, schema.tasks
    of_runs = sa.select(runs.c.device).where(runs.c.status.in_(ACTIVE))
    of_tasks = sa.select(tasks.c.device).where(tasks.c.status.in_(ACTIVE), tasks.c.needs_device)
    taken = connection.execute(of_runs.union_all(of_tasks)).scalars()
    return {device for devices_of_one in taken for device in (devices_of_one or "").split(",")}


def _waiting_without_device(connection: sa.Connection, kind: TaskKind) -> list[_Job]:
    """List the oldest tasks of a kind that waits for no device, as many as may start now."""
    tasks = schema.tasks
    query = sa.select(sa.func.count()).where(tasks.c.kind == kind, tasks.c.status.in_(ACTIVE))
    n_free = max(0, N_WITHOUT_DEVICE[kind] - connection.execute(query).scalar_one())
    return _rows(connection, tasks, tasks.c.kind == kind)[:n_free]


def _oldest_waiting() -> float | None:
    oldest: list[float] = []
    with database.reading() as connection:
        for table in (schema.runs, schema.tasks):
            query = sa.select(sa.func.min(jobs.waiting_since(table))).where(
                table.c.status == "queued"
            )
            found = connection.execute(query).scalar()
            oldest += [found] if found is not None else []
    return min(oldest, default=None)


def _taken(lock: Any) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
