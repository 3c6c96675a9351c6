"""The task `audit`: all finders over a dataset, the quick ones first, each seen when it is done.

material.py      the items in use, and which of them an audit has seen before
  seeing.py      features: what a pretrained network says of each, cached (pixels.py: without)
  judging.py     out-of-fold losses: folds.py + heads.py (what is trained) + verdicts.py
  outliers.py    the odd ones of each class
  neighbours.py  the nearest of each
  mapping.py     a point an item
course.py        the steps in their order, and what each leaves in the store
  steps.py       one progress made of all, with what remains
"""

from typing import Any

import sqlalchemy as sa

from core.domain.values import Frozen
from core.engine import environment, failures
from core.engine.audit import course, material
from core.engine.audit.steps import Stopped
from core.engine.features.views import N_IMAGES
from core.engine.job import Job
from core.store import database, jobs, schema


class Params(Frozen):
    """What an audit is asked for."""

    dataset_id: str
    arch: str


def run(lease: jobs.Lease) -> None:
    """Do the audit that a lease holds, and finish its row."""
    environment.set_threads()
    params = _load(lease.job_id)
    over: dict[str, Any] = {"message": "", "remaining_seconds": None}
    try:
        result = audit(params, lease)
    except Stopped:
        lease.finish("stopped", **over)
        return
    lease.finish("finished", result=result, progress_done=course.WHOLE, **over)


def audit(params: Params, job: Job) -> dict[str, Any]:
    """Find what is wrong with a dataset as it is now; give the task's result.

    What each finder finds is stored as soon as it has ended, also where a later one is stopped.
    Raises Stopped, UnreadableImageError, StoreError and NotFoundError.
    """
    with failures.explained(batch_size=N_IMAGES):
        return course.go(material.load(params.dataset_id), params.arch, job)


def _load(task_id: str) -> Params:
    table = schema.tasks
    query = sa.select(table.c.dataset_id, table.c.params).where(table.c.id == task_id)
    with database.reading() as connection:
        row = connection.execute(query).one()
    return Params(dataset_id=row.dataset_id, arch=row.params["arch"])
