"""One process for one row: `python -m core.engine.worker run RUN_ID` or `… task TASK_ID`.

The row is taken before anything heavy is imported, so that its heartbeat begins at once.
"""

import importlib
import logging
import os
import sys
from typing import Literal

import sqlalchemy as sa

from core.domain.errors import NotFoundError
from core.store import database, jobs, schema

Kind = Literal["run", "task"]

TASKS = {
    "lr_find": "lr_find",
    "preview": "previews",
    "public": "public",
    "predict": "predicting",
    "export": "exporting",
    "audit": "audit",
}
"""By kind of task the module whose `run` does it; imported once the row is taken."""

ON_THE_DEVICE = frozenset({"lr_find", "audit"})

SPINS = "10000"
"""How often OpenMP's threads look for work before they sleep, read when torch is loaded.

Measured (squeezenet1_0 fit at 128 px, 2 cores that others used too, 2026-11-23): with the default
38 s, with this 8 to 12 s, because waiting threads take the cores from working ones; on a quiet
machine 2.9 and 2.8 s. The bits are the same.
"""


def work_on(kind: Kind, job_id: str) -> None:
    """Do a run or a task; its row ends with a status and, where it failed, with a sentence."""
    let_threads_sleep()
    if kind == "run":
        jobs.work(schema.runs, job_id, _run)
    else:
        jobs.work(schema.tasks, job_id, _task)


def let_threads_sleep() -> None:
    """Shorten OpenMP's busy waiting, unless the environment says how to wait; before torch."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def log_to_stderr() -> None:
    """Have what the engine notes appear in the worker's log."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)


def _run(lease: jobs.Lease) -> None:
    from core.engine import training

    training.run(lease)


def _task(lease: jobs.Lease) -> None:
    kind = _task_kind(lease.job_id)
    if kind not in TASKS:
        raise NotFoundError(f"The engine has no task of the kind {kind!r}.")
    if kind not in ON_THE_DEVICE:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the device is for runs
    importlib.import_module(f"core.engine.{TASKS[kind]}").run(lease)


def _task_kind(task_id: str) -> str:
    query = sa.select(schema.tasks.c.kind).where(schema.tasks.c.id == task_id)
    with database.reading() as connection:
        return str(connection.execute(query).scalar_one())


def main(arguments: list[str]) -> int:
    """Read the command line: a kind and an id."""
    match arguments:
        case ["run" | "task" as kind, job_id]:
            log_to_stderr()
            work_on(kind, job_id)
            return 0
    sys.stderr.write("usage: python -m core.engine.worker run|task ID\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
