"""Everything over 100 ms that is not a run: start, find, stop, read the log."""

from typing import Any

import sqlalchemy as sa

from core.domain.errors import NotFoundError
from core.domain.jobs import ACTIVE, WAITING, RunStatus, TaskKind
from core.domain.runs import Task
from core.runs import processes, rows
from core.store import clock, database, files, ids, jobs, schema

TASKS = schema.tasks
BY_THE_ENGINE: frozenset[TaskKind] = frozenset(
    {"lr_find", "preview", "public", "predict", "export", "audit"}
)
"""Started by the dispatcher, because they want the preloaded host; the others start at once."""
ON_THE_DEVICE: frozenset[TaskKind] = frozenset({"lr_find", "audit"})
"""These wait for the device as runs do."""


def start(
    kind: TaskKind,
    *,
    dataset_id: str | None = None,
    params: dict[str, Any] | None = None,
    key: str | None = None,
    run_id: str | None = None,
) -> Task:
    """Start a task, or join the one that is under way for the same key, or kind and dataset."""
    joins = key or f"{kind}:{dataset_id}"
    by_engine = kind in BY_THE_ENGINE
    now = clock.now()
    values = {
        "id": ids.new("task"),
        "kind": kind,
        "key": joins,
        "dataset_id": dataset_id,
        "run_id": run_id,
        "needs_device": kind in ON_THE_DEVICE,
        "params": {"dataset_id": dataset_id, **(params or {})},
        "status": "queued" if by_engine else "running",
        "created_at": now,
        "heartbeat_at": now,
    }
    with database.writing() as connection:
        same = _under_way().where(TASKS.c.key == joins)
        found = connection.execute(same).mappings().first()
        if found is not None:
            return rows.task(found)
        connection.execute(sa.insert(TASKS).values(**values))
    if not by_engine:
        task_id = str(values["id"])
        processes.start("core.datasets.worker", [task_id], log=files.task_log(task_id))
    return get(str(values["id"]))


def get(task_id: str) -> Task:
    """Give a task, or say that there is none of that id."""
    query = sa.select(TASKS).where(TASKS.c.id == task_id)
    with database.reading() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFoundError(f"There is no task {task_id!r}.", hint="It may have been removed.")
    return rows.task(row)


def find_active(kind: TaskKind, dataset_id: str | None = None) -> Task | None:
    """Find the task of a kind that waits or works for a dataset."""
    query = _under_way().where(TASKS.c.kind == kind)
    return _first(query.where(TASKS.c.dataset_id == dataset_id) if dataset_id else query)


def find_latest(
    kind: TaskKind, dataset_id: str | None = None, *, status: RunStatus | None = None
) -> Task | None:
    """Find the newest task of a kind, of one status or of any, ended or not."""
    query = sa.select(TASKS).where(TASKS.c.kind == kind).order_by(TASKS.c.created_at.desc())
    if status is not None:
        query = query.where(TASKS.c.status == status)
    return _first(query.where(TASKS.c.dataset_id == dataset_id) if dataset_id else query)


def find_by_key(key: str) -> Task | None:
    """Find the newest task that makes a thing."""
    return _first(sa.select(TASKS).where(TASKS.c.key == key).order_by(TASKS.c.created_at.desc()))


def forget_key(task_id: str) -> None:
    """Let the thing be made again although this task failed to make it."""
    with database.writing() as connection:
        connection.execute(sa.update(TASKS).where(TASKS.c.id == task_id).values(key=None))


def list_active() -> list[Task]:
    """List the tasks that wait or work, oldest first; previews, Grad-CAM too, are left out."""
    is_shown = sa.or_(*(TASKS.c.key.startswith(key) for key in ("predict:", "valid-views:")))
    shown = sa.or_(TASKS.c.kind.not_in(("preview", "predict")), is_shown)
    query = _under_way().where(shown).order_by(TASKS.c.created_at)
    with database.reading() as connection:
        return [rows.task(row) for row in connection.execute(query).mappings()]


def stop(task_id: str) -> None:
    """Ask a task to end; what it has done so far stays."""
    jobs.request_stop(TASKS, task_id)


def drop_waiting_previews(dataset_id: str, *, but: str) -> None:
    """Stop the previews of a dataset that nobody has begun: a newer one is wanted instead."""
    old = sa.update(TASKS).where(TASKS.c.kind == "preview", TASKS.c.status == "queued")
    ours = old.where(TASKS.c.dataset_id == dataset_id, TASKS.c.key != but)
    with database.writing() as connection:
        connection.execute(ours.values(status="stopped", finished_at=clock.now()))


def log(task_id: str) -> str:
    """Read what a task printed."""
    path = files.task_log(task_id)
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _under_way() -> sa.Select[Any]:
    return sa.select(TASKS).where(TASKS.c.status.in_((*ACTIVE, *WAITING)))


def _first(query: sa.Select[Any]) -> Task | None:
    with database.reading() as connection:
        row = connection.execute(query.limit(1)).mappings().first()
    return rows.task(row) if row is not None else None
