"""A run: from its description to trained weights, predictions and measurements."""

import logging
from dataclasses import dataclass

from core.datasets import suspicion
from core.domain.errors import EngineError, NotFiniteError, OutOfMemoryError
from core.domain.jobs import RunStatus
from core.domain.recipes import Recipe, Tta
from core.engine import (
    checkpoints,
    checks,
    collecting,
    describing,
    environment,
    failures,
    halving,
    memory,
    outputs,
    parallel,
    tta,
)
from core.engine.describing import Description
from core.engine.fitting import Fit
from core.engine.job import Job
from core.engine.ledger import Ledger
from core.store import jobs

log = logging.getLogger(__name__)


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
    over = {"message": "", "remaining_seconds": None, "wish": None}
    lease.finish(outcome.status, metrics=outcome.metrics, **over)
    if outcome.status == "finished":
        checkpoints.remove(description.run_id)
        suspicion.after_run(description.run_id)


def train(description: Description, ledger: Ledger, job: Job) -> Outcome:
    """Train a recipe on items and leave the files of a run in its folder.

    A run that has a checkpoint goes on from it, and ends as it would have without the break.
    Raises RecipeError, WeightsMissingError, UnreadableImageError, NotFiniteError and
    OutOfMemoryError.
    """
    checks.check(description.frame, description.recipe, multi=description.multi)
    outputs.forget_tta(description.run_id)
    job.report(message="reading the first images")
    fit = _fitted(description, ledger, job)
    try:
        with failures.explained(batch_size=description.recipe.batch_size):
            return _conclude(fit)
    finally:
        fit.tracker.close()


def _fitted(description: Description, ledger: Ledger, job: Job) -> Fit:
    """Fit, with smaller batches where memory runs out and the recipe wants that.

    A second try goes on from the last whole epoch, as a continued run does.
    """
    recipe = description.recipe
    n_tries = 1 + (halving.MOST_HALVINGS if recipe.when_out_of_memory == "halve" else 0)
    for n_left in reversed(range(n_tries)):
        fit = _try(description, recipe, ledger, job, is_last=n_left == 0)
        if fit is not None:
            return fit
        memory.let_go()
        recipe = halving.halved(recipe)
        job.report(message=f"went out of memory; trying batches of {recipe.batch_size}")
    raise AssertionError("the last try gives a fit or raises")


def _try(
    description: Description, recipe: Recipe, ledger: Ledger, job: Job, *, is_last: bool
) -> Fit | None:
    """Fit once; None where memory ran out and there is another try."""
    try:
        with (
            failures.explained(batch_size=recipe.batch_size),
            parallel.Team(description.run_id, recipe.n_devices) as team,
        ):
            fit = Fit(description, recipe, ledger, job)
            _run(fit, team)
            return fit
    except OutOfMemoryError:
        if is_last:
            raise
        log.warning("out of memory with batches of %d images", recipe.batch_size)
        return None


def _run(fit: Fit, team: parallel.Team) -> None:
    """Fit, and end what writes the run elsewhere where it does not come to its end."""
    try:
        fit.run(team)
    except NotFiniteError as error:
        raise _salvaged(fit, error) from error
    except BaseException:
        fit.tracker.close()
        raise


def _salvaged(fit: Fit, error: NotFiniteError) -> NotFiniteError:
    """Keep the weights of the last whole epoch of a fit whose loss became no number."""
    fit.tracker.close()
    if not fit.fall_back():
        return error
    fit.put_best_back()
    _save(fit, fit.measured)
    fit.job.report(metrics=fit.measured)
    return NotFiniteError(
        f"{error.sentence} The weights of the epoch before are kept.",
        hint="Train more from them with a lower learning rate: a tenth is a good first try.",
    )


def _conclude(fit: Fit) -> Outcome:
    """Measure the weights unless an epoch's end just has, and write what was learnt."""
    status: RunStatus = "finished" if fit.is_complete else "stopped"
    if not fit.has_trained or fit.ledger.n_steps == 0:
        return Outcome(status=status, metrics={})
    fit.close()
    fit.put_best_back()
    _save(fit, fit.measured)
    metrics = {**fit.measured, **_with_tta(fit)}
    if metrics != fit.measured:
        outputs.save_facts(fit.description.run_id, _facts(fit, metrics))
    return Outcome(status=status, metrics=metrics)


def _with_tta(fit: Fit) -> dict[str, float]:
    """Predict valid with test-time augmentation, where the recipe wants it, and measure that."""
    wanted = fit.recipe.tta
    if wanted is None:
        return {}
    fit.job.report(message="predicting with test-time augmentation")
    try:
        with failures.explained(batch_size=fit.scenes.batches.dls.valid.bs):
            return _measured_with_tta(fit, wanted)
    except EngineError as error:  # the trained weights are worth more: they are kept
        log.warning("%s", error.sentence)
        note = f"Test-time augmentation came to nothing: {error.sentence}"
        fit.ledger.note_stage(len(fit.recipe.stages) - 1, note)
        return {}


def _measured_with_tta(fit: Fit, wanted: Tta) -> dict[str, float]:
    batches, learn = fit.scenes.batches, fit.scenes.learn
    found = tta.predict(
        learn, batches.dls.valid, n=wanted.n, beta=wanted.beta, train_tfms_from=batches.dls.train
    )
    seen = fit.scenes.whole().predictions
    seen.take(found)
    table = collecting.valid_table(seen, batches)
    outputs.save_tta(fit.description.run_id, table)
    right = float((table["label"] == table["pred"]).mean())
    return {"tta_exact_match" if fit.description.multi else "tta_accuracy": right}


def _save(fit: Fit, metrics: dict[str, float]) -> None:
    fit.job.report(message="writing the weights")
    fit.job.save_now()  # raises where the row is not ours any more
    run_id = fit.description.run_id
    table = collecting.valid_table(fit.scene.predictions, fit.scene.batches)
    outputs.save_items(run_id, fit.losses.table(), table)
    outputs.save_model(run_id, fit.scenes.learn, _facts(fit, metrics))


def _facts(fit: Fit, metrics: dict[str, float]) -> outputs.ModelFacts:
    description, batches = fit.description, fit.scene.batches
    return outputs.ModelFacts(
        recipe=description.recipe,
        classes=batches.classes,
        statistics=batches.statistics,
        size_px=fit.scenes.size_px,
        multi=description.multi,
        fingerprint=description.fingerprint,
        revision=description.revision,
        metrics=metrics,
    )
