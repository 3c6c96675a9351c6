"""`python -m tests.stub_engine.worker KIND ID`: hold the row as a run does, and end it.

The run's recipe name says how it behaves: "hang" works until it is stopped or killed.
"""

import sys
import time

import sqlalchemy as sa

from core.store import database, jobs, schema
from core.store.jobs import Lease

TABLES = {"run": schema.runs, "task": schema.tasks}
N_STEPS = 5


def do(lease: Lease) -> None:
    """Write a few steps, as a training does, and finish."""
    with database.reading() as connection:
        wanted = sa.select(schema.runs.c.recipe).where(schema.runs.c.id == lease.job_id)
        recipe = connection.execute(wanted).scalar() or {"name": "task"}
    while recipe["name"] == "hang" and not lease.should_stop():
        time.sleep(0.01)
    rows = [
        {
            "run_id": lease.job_id,
            "step": step,
            "stage": 0,
            "loss": 1 / (step + 1),
            "smooth_loss": 1 / (step + 1),
            "lr": 0.001,
            "momentum": 0.9,
            "seconds": 0.1,
        }
        for step in range(N_STEPS)
    ]
    if lease.table is schema.runs:
        with database.writing() as connection:
            connection.execute(sa.insert(schema.steps), rows)
    lease.finish("stopped" if lease.should_stop() else "finished")


if __name__ == "__main__":
    kind, job_id = sys.argv[1:]
    jobs.work(TABLES[kind], job_id, do)
