"""The task `lr_find`: a range test, streamed as it goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastai.learner import Learner

from core.datasets import catalog
from core.domain.plans import Plan
from core.domain.values import Frozen
from core.engine import (
    checks,
    describing,
    environment,
    failures,
    models,
    outputs,
    range_test,
    seeding,
)
from core.engine.describing import Description
from core.engine.job import Job
from core.engine.scenes import Scenes
from core.store import clock, database, files, jobs, schema


class Params(Frozen):
    """What a range test is asked for; the rates and the number of batches are fastai's."""

    dataset_id: str
    plan: Plan
    revision: int
    run_id: str | None = None  # test its weights, all unfrozen; None: the plan's first stage
    start_lr: float = range_test.FIRST_LR
    end_lr: float = range_test.LAST_LR
    num_it: int = range_test.N_BATCHES

    @property
    def begins_from(self) -> str | None:
        """Give the run whose weights are tested: the one asked for, or the plan's beginning."""
        return self.run_id or self.plan.begins_from


@dataclass(frozen=True, kw_only=True)
class Test:
    """A range test on items that were read from the store."""

    params: Params
    frame: Any  # pandas.DataFrame: item_id, path, label, part
    root: Path
    folder: Path  # where fastai keeps the weights meanwhile
    multi: bool = False  # several labels an image


class PointRows(range_test.Points):
    """The points so far, on their way into the row of the test."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self._task_id = task_id
        self._n_written = 0

    def flush(self, connection: sa.Connection) -> None:
        """Write the points if there are new ones."""
        points = self.all()
        if len(points) > self._n_written:
            self._n_written = len(points)
            mine = sa.update(schema.lr_finds).where(schema.lr_finds.c.id == self._task_id)
            connection.execute(mine.values(points=[list(point) for point in points]))


def run(lease: jobs.Lease) -> None:
    """Do the range test that a lease holds, and finish its row."""
    environment.set_threads()
    params = _load(lease.job_id)
    _insert(lease.job_id, params)
    points = PointRows(lease.job_id)
    lease.on_flush(points.flush)
    test = Test(
        params=params,
        frame=describing.items(params.dataset_id, params.plan, revision=params.revision),
        root=describing.root(params.dataset_id),
        folder=files.task_log(lease.job_id).parent,
        multi=catalog.get(params.dataset_id).is_multi_label,
    )
    found = find(test, points, lease)
    lease.on_flush(lambda connection: _conclude(connection, lease.job_id, found))
    lease.finish("stopped" if lease.should_stop() else "finished", message="")


def find(test: Test, points: range_test.Points, job: Job) -> list[dict[str, Any]]:
    """Test the rates and give the suggestions; equal to `learn.lr_find` at the same seed."""
    recipe, params = test.params.plan.recipe, test.params
    checks.check(test.frame, recipe, multi=test.multi)
    with failures.explained(batch_size=recipe.batch_size):
        learn = _learner(test, job)
        if learn is None:
            return []
        streamer = range_test.Streamer(points, job, n_points=params.num_it)
        return range_test.test(
            learn,
            streamer,
            start_lr=params.start_lr,
            end_lr=params.end_lr,
            num_it=params.num_it,
        )


def _learner(test: Test, job: Job) -> Learner | None:
    """Build what is tested: the first stage of the recipe, or a run's weights all unfrozen.

    None where somebody asked to stop while features were read.
    """
    plan, first = test.params.plan, test.params.begins_from
    scenes = Scenes(_description(test), plan.recipe, job, folder=test.folder)
    learn = scenes.learn
    if first is not None:
        outputs.check_same(first, plan.recipe, scenes.batches.classes)
        outputs.load_model(first, learn)
    if test.params.run_id is not None:
        models.train_only(learn, "all")
    else:
        scene = scenes.of(plan.recipe.stages[0])
        if scene is None:
            return None
        learn = scene.learn
    seeding.seed_fit(learn.dls, plan.seed)
    return learn


def _description(test: Test) -> Description:
    return Description(
        run_id="",
        frame=test.frame,
        root=test.root,
        recipe=test.params.plan.recipe,
        seed=test.params.plan.seed,
        revision=test.params.revision,
        fingerprint="",
        multi=test.multi,
        begins_from=test.params.begins_from,
    )


def _load(task_id: str) -> Params:
    table = schema.tasks
    query = sa.select(table.c.dataset_id, table.c.params).where(table.c.id == task_id)
    with database.reading() as connection:
        row = connection.execute(query).one()
    return Params.model_validate({**row.params, "dataset_id": row.dataset_id})


def _insert(task_id: str, params: Params) -> None:
    row: dict[str, Any] = {
        "id": task_id,
        "dataset_id": params.dataset_id,
        "run_id": params.run_id,
        "points": [],
        "suggestions": [],
        "created_at": clock.now(),
    }
    with database.writing() as connection:
        connection.execute(sa.insert(schema.lr_finds), row)


def _conclude(connection: sa.Connection, task_id: str, found: list[dict[str, Any]]) -> None:
    mine = sa.update(schema.lr_finds).where(schema.lr_finds.c.id == task_id)
    connection.execute(mine.values(suggestions=found))
