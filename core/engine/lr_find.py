"""The range test: a mock fit at rising rates (Smith, arXiv:1506.01186), streamed as it goes."""

import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastai.callback import schedule as _lr_find_is_patched_in  # noqa: F401
from fastai.callback.core import Callback, CancelFitException
from fastai.learner import Learner

from core.datasets import catalog, trainable
from core.domain.errors import RecipeError
from core.domain.plans import Plan
from core.domain.values import Frozen
from core.engine import (
    checks,
    data,
    describing,
    environment,
    failures,
    models,
    outputs,
    reporting,
    seeding,
    suggestions,
)
from core.engine.training import Job
from core.store import clock, database, files, jobs, schema


class Params(Frozen):
    """What a range test is asked for; the rates and the number of batches are fastai's."""

    dataset_id: str
    plan: Plan
    revision: int
    run_id: str | None = None
    start_lr: float = 1e-7
    end_lr: float = 10.0
    num_it: int = 100


@dataclass(frozen=True, kw_only=True)
class Test:
    """A range test on items that were read from the store."""

    params: Params
    frame: Any  # pandas.DataFrame: item_id, path, label, part
    root: Path
    folder: Path  # where fastai keeps the weights meanwhile


class Points:
    """The points so far, on their way into the row of the test."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id
        self._points: list[list[float]] = []
        self._changed = False
        self._lock = threading.Lock()

    def add(self, lr: float, loss: float, smooth_loss: float) -> None:
        """Note a point; one without a finite loss cannot be drawn."""
        if math.isfinite(loss) and math.isfinite(smooth_loss):
            with self._lock:
                self._points.append([lr, loss, smooth_loss])
                self._changed = True

    def flush(self, connection: sa.Connection) -> None:
        """Write the points if there are new ones."""
        with self._lock:
            changed, points, self._changed = self._changed, list(self._points), False
        if changed:
            mine = sa.update(schema.lr_finds).where(schema.lr_finds.c.id == self._task_id)
            connection.execute(mine.values(points=points))


class Streamer(Callback):
    """Hand on each point, and end the test when somebody asks."""

    order = 55  # after Recorder smooths the loss, before LRFinder may end the test
    run_valid = False

    def __init__(self, points: Points, job: Job, *, n_points: int) -> None:
        super().__init__()
        self._points, self._job, self._n_points = points, job, n_points
        self._clock = reporting.Clock()

    def before_train(self) -> None:
        """Start the clock."""
        self._clock.start()

    def after_batch(self) -> None:
        """Note the batch."""
        loss, smooth_loss = self.learn.loss.item(), self.learn.smooth_loss.item()
        self._points.add(self.learn.opt.hypers[-1]["lr"], loss, smooth_loss)
        self._clock.tick()
        done = self.learn.train_iter
        self._job.report(
            progress_done=done,
            progress_total=self._n_points,
            remaining_seconds=(self._n_points - done) * (self._clock.seconds or 0.0),
            message="testing rates",
        )
        if self._job.should_stop():
            raise CancelFitException


def run(lease: jobs.Lease) -> None:
    """Do the range test that a lease holds, and finish its row."""
    environment.set_threads()
    params = _load(lease.job_id)
    trainable.check_labels(catalog.get(params.dataset_id))
    _insert(lease.job_id, params)
    points = Points(lease.job_id)
    lease.on_flush(points.flush)
    test = Test(
        params=params,
        frame=describing.items(params.dataset_id, params.plan, revision=params.revision),
        root=describing.root(params.dataset_id),
        folder=files.task_log(lease.job_id).parent,
    )
    found = find(test, points, lease)
    lease.on_flush(lambda connection: _conclude(connection, lease.job_id, found))
    lease.finish("stopped" if lease.should_stop() else "finished", message="")


def find(test: Test, points: Points, job: Job) -> list[dict[str, Any]]:
    """Test the rates and give the suggestions; equal to `learn.lr_find` at the same seed."""
    recipe, params = test.params.plan.recipe, test.params
    checks.check(test.frame, recipe)
    with failures.explained(batch_size=recipe.batch_size):
        learn = _learner(test)
        streamer = Streamer(points, job, n_points=params.num_it)
        with learn.added_cbs(streamer):
            learn.lr_find(
                start_lr=params.start_lr,
                end_lr=params.end_lr,
                num_it=params.num_it,
                show_plot=False,
                suggest_funcs=None,
            )
    rates = [float(rate) for rate in learn.recorder.lrs]
    losses = [float(loss) for loss in learn.recorder.losses]
    return suggestions.suggest(rates, losses, n_asked=params.num_it)


def _learner(test: Test) -> Learner:
    plan, run_id = test.params.plan, test.params.run_id
    recipe = plan.recipe
    seeding.seed_all(plan.seed)
    batches = data.batches(test.frame, test.root, recipe, path=test.folder)
    if run_id is not None:
        recipe = recipe.model_copy(update={"pretrained": False})  # the weights are in the store
    learn = models.learner(batches.dls, recipe, n_classes=len(batches.classes), path=test.folder)
    if run_id is None:
        models.train_only(learn, recipe.stages[0].train)
    else:
        _check_same(run_id, recipe.arch, batches.classes)
        outputs.load_model(run_id, learn)
        models.train_only(learn, "all")
    seeding.seed_fit(batches.dls, plan.seed)
    return learn


def _check_same(run_id: str, arch: str, classes: tuple[str, ...]) -> None:
    stored = outputs.load_facts(run_id)
    if stored["arch"] != arch:
        raise RecipeError(
            f"The weights of the run {run_id} are of {stored['arch']}, and the recipe's network "
            f"is {arch}.",
            hint=f"Choose {stored['arch']} in the recipe, or test from the recipe's start.",
        )
    if tuple(stored["classes"]) != classes:
        raise RecipeError(
            f"The run {run_id} was trained on {len(stored['classes'])} classes that are not those "
            f"of the dataset now ({len(classes)}).",
            hint="Train again on the dataset as it is, or test from the recipe's start.",
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
