"""The valid images of a run that has ended, predicted anew with test-time augmentation."""

from collections.abc import Callable
from typing import Any

from fastai.callback.core import Callback

from core.domain.recipes import Tta
from core.engine import (
    collecting,
    data,
    describing,
    learners,
    outputs,
    reporting,
    seeding,
    tta,
)
from core.engine.job import Job
from core.store import files


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """Somebody asked to stop in the middle."""


def predict(run_id: str, wanted: Tta, job: Job) -> float:
    """Write the predictions beside the plain ones, and give the share of right images.

    Of several labels an image all must be right. Raises NotFoundError where the run left no model,
    UnreadableImageError, and Stopped.
    """
    description, facts = describing.load(run_id), outputs.load_facts(run_id)
    recipe = description.recipe.model_copy(update={"pretrained": False, "n_devices": 1})
    seeding.seed_all(description.seed)
    batches = data.batches(
        description.frame,
        description.root,
        recipe,
        path=files.run_folder(run_id),
        n_workers=0,
        multi=description.multi,
        size_px=facts["size_px"],
        statistics=outputs.statistics_of(run_id),
    )
    learn = learners.build(batches, recipe, path=files.run_folder(run_id), multi=description.multi)
    outputs.load_model(run_id, learn)
    n_batches = (wanted.n + 1) * len(batches.dls.valid)
    with learn.added_cbs([_Progress(job.report, job.should_stop, n_batches)]):
        found = tta.predict(
            learn,
            batches.dls.valid,
            n=wanted.n,
            beta=wanted.beta,
            train_tfms_from=batches.dls.train,
        )
    seen = collecting.Predictions(batches, loss=recipe.loss, multi=description.multi)
    seen.take(found)
    table = collecting.valid_table(seen, batches)
    outputs.save_tta(run_id, table)
    return float((table["label"] == table["pred"]).mean())


class _Progress(Callback):
    """Report the batches of all views, and end them when somebody asks."""

    order = 70

    def __init__(
        self, report: Callable[..., None], should_stop: Callable[[], bool], n_batches: int
    ) -> None:
        super().__init__()
        self._report, self._should_stop, self._n = report, should_stop, n_batches
        self._n_done = 0
        self._clock = reporting.Clock()

    def before_validate(self) -> None:
        """Start the clock of a view."""
        self._clock.start()

    def after_batch(self) -> None:
        """Note a batch of a view."""
        if self._should_stop():
            raise Stopped("asked to stop")
        self._clock.tick()
        self._n_done += 1
        left: dict[str, Any] = {"progress_done": self._n_done, "progress_total": self._n}
        left["remaining_seconds"] = (self._n - self._n_done) * (self._clock.seconds or 0.0)
        self._report(message="predicting the views", **left)
