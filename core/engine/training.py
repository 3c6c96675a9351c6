"""A run: from its description to trained weights, predictions and measurements."""

import logging
import time
from dataclasses import dataclass
from typing import Any, Protocol

from core.domain.jobs import RunStatus
from core.domain.recipes import Stage
from core.engine import (
    checks,
    collecting,
    data,
    describing,
    environment,
    failures,
    guarding,
    models,
    outputs,
    reporting,
    seeding,
    stages,
)
from core.engine.describing import Description
from core.engine.ledger import Ledger
from core.store import files, jobs

log = logging.getLogger(__name__)


class Job(Protocol):
    """What a fit needs of a lease."""

    def report(self, **columns: Any) -> None:
        """Set progress columns."""

    def should_stop(self) -> bool:
        """Say whether to end early."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended, and what was measured of the weights that were kept."""

    status: RunStatus
    metrics: dict[str, float]


def run(lease: jobs.Lease) -> None:
    """Do the run that a lease holds, and finish its row."""
    environment.set_threads()
    description = describing.load(lease.job_id)
    describing.note(description)
    ledger = Ledger(description.run_id)
    lease.on_flush(ledger.flush, ledger.flushed)
    try:
        outcome = train(description, ledger, lease)
    finally:  # a failed run keeps its curve, too
        outputs.save_steps(description.run_id, ledger)
        lease.on_flush(ledger.delete_steps)
    over = {"message": "", "remaining_seconds": None}
    lease.finish(outcome.status, metrics=outcome.metrics, **over)


def train(description: Description, ledger: Ledger, job: Job) -> Outcome:
    """Train a recipe on items and leave the files of a run in its folder.

    Raises RecipeError, WeightsMissingError, UnreadableImageError, NotFiniteError and
    OutOfMemoryError.
    """
    checks.check(description.frame, description.recipe)
    with failures.explained(batch_size=description.recipe.batch_size):
        job.report(message="reading the first images")
        fit = _Fit(description, ledger, job)
        fit.all_stages()
        return fit.finish()


class _Fit:
    """The learner of one run, on its way through the stages."""

    def __init__(self, description: Description, ledger: Ledger, job: Job) -> None:
        recipe, folder = description.recipe, files.run_folder(description.run_id)
        self.description, self.ledger, self.job = description, ledger, job
        self.reporter: reporting.Reporter | None = None
        self.losses: list[dict[str, Any]] = []
        self.n_epochs_done = 0
        seeding.seed_all(description.seed)
        self.batches = data.batches(description.frame, description.root, recipe, path=folder)
        dls, n_classes = self.batches.dls, len(self.batches.classes)
        self.learn = models.learner(dls, recipe, n_classes=n_classes, path=folder)
        self.learn.logger = lambda values: log.info("%s", list(values))
        self.predictions = collecting.Predictions(self.batches)

    def all_stages(self) -> None:
        """Fit stage after stage until the last, or until somebody asks to stop."""
        seeding.seed_fit(self.batches.dls, self.description.seed)
        began = time.perf_counter()
        for index, stage in enumerate(self.description.recipe.stages):
            if self.job.should_stop():
                break
            self._one_stage(index, stage, began)

    def finish(self) -> Outcome:
        """Measure the weights unless an epoch's end just has, and write what was learnt."""
        complete = self.n_epochs_done == self.description.recipe.n_epochs
        status: RunStatus = "finished" if complete else "stopped"
        if self.reporter is None or self.ledger.n_steps == 0:
            return Outcome(status=status, metrics={})
        if self.ledger.n_steps > self.n_epochs_done * self.batches.n_train_batches:
            self._measure(self.reporter)
        metrics = self.reporter.measured
        self._save(metrics)
        return Outcome(status=status, metrics=metrics)

    def _one_stage(self, index: int, stage: Stage, began: float) -> None:
        models.train_only(self.learn, stage.train)
        n_params, n_trained = models.count(self.learn)
        self.ledger.add_stage(
            stage=index,
            n_params=n_params,
            n_params_trained=n_trained,
            n_batches=self.batches.n_train_batches,
        )
        place = reporting.Place(
            stage=index,
            first_epoch=self.n_epochs_done,
            n_epochs=self.description.recipe.n_epochs,
            began=began,
        )
        self.reporter = reporting.Reporter(self.ledger, self.job.report, place=place)
        seen = collecting.ItemLosses(self.batches, first_epoch=self.n_epochs_done)
        stopper = guarding.Stopper(self.job.should_stop)
        callbacks = [guarding.FiniteGuard(), seen, self.predictions, self.reporter, stopper]
        log.info("stage %d: %s, %d of %d parameters", index, stage, n_trained, n_params)
        stages.fit(self.learn, stage, callbacks=callbacks)
        self.losses += seen.parts
        self.n_epochs_done += self.reporter.n_epochs_noted

    def _measure(self, reporter: reporting.Reporter) -> None:
        """Validate what a stopped epoch left, and note it as an epoch."""
        self.job.report(message="validating what was learnt")
        train_loss = self.ledger.last_smooth_loss
        record = self.learn.validate(cbs=[guarding.FiniteGuard(), self.predictions])
        names = self.learn.recorder.metric_names[2:]  # after epoch and train_loss
        values = dict(zip(names, record, strict=False))
        reporter.note({"train_loss": train_loss, **values})

    def _save(self, metrics: dict[str, float]) -> None:
        self.job.report(message="writing the weights")
        run_id = self.description.run_id
        table = collecting.valid_table(self.predictions, self.batches)
        outputs.save_items(run_id, self.losses, table)
        about = outputs.ModelFacts(
            recipe=self.description.recipe,
            classes=self.batches.classes,
            fingerprint=self.description.fingerprint,
            revision=self.description.revision,
            metrics=metrics,
        )
        outputs.save_model(run_id, self.learn, about)
