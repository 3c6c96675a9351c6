"""Callbacks that end a fit early, or hold it: on a loss that is no number, and on request."""

import math
import time
from collections.abc import Callable

from fastai.callback.core import Callback, CancelFitException

from core.domain.errors import NotFiniteError
from core.engine.data import TRAIN, VALID, Batches, batch_ids
from core.engine.job import Job

MOST_NAMED = 5
"""Files of a batch that a sentence names."""

LOOK_SECONDS = 0.1
"""How often a paused fit looks whether to go on."""


class FiniteGuard(Callback):
    """Raise NotFiniteError before the step that would spoil the weights, and in validation.

    With the batches of the fit it names the files that were in the batch.
    """

    order = -5  # before anybody else reads the loss

    def __init__(self, batches: Batches | None = None) -> None:
        super().__init__()
        self._batches = batches

    def after_loss(self) -> None:
        """Look at the loss of the batch."""
        value = self.learn.loss.item()
        if not math.isfinite(value):
            rate = self.learn.opt.hypers[-1]["lr"]
            part = "batch" if self.learn.training else "valid batch"
            raise NotFiniteError(
                f"The loss became {value} in {part} {self.learn.iter + 1} of epoch "
                f"{self.learn.epoch + 1} of this stage, at a learning rate of {rate:.2g}"
                f"{self._files()}.",
                hint="Train with a lower learning rate; a tenth of it is a good first try.",
            )

    def _files(self) -> str:
        if self._batches is None:
            return ""
        part, n_items = (TRAIN if self.learn.training else VALID), len(self.learn.yb[0])
        ids = batch_ids(self.learn.dl, self._batches.item_ids[part], self.learn.iter, n_items)
        items = self._batches.items[part].set_index("item_id")["path"]
        named = ", ".join(str(items[item]) for item in ids[:MOST_NAMED])
        more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
        return f"; in the batch were {named}{more}"


class Stopper(Callback):
    """End the fit after a train batch, or after an epoch, when the job says so; or hold it there.

    A validation pass that has begun is finished: its numbers are worth more than its seconds.
    `is_over` says after an epoch whether the stage has reached its aim.
    """

    order = 90  # when all others have noted the batch or the epoch

    def __init__(
        self,
        job: Job,
        *,
        is_over: Callable[[], bool] = lambda: False,
        held: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        super().__init__()
        self._job, self._is_over, self._held = job, is_over, held

    def after_batch(self) -> None:
        """Stop between two train batches; after an epoch's last one it is validated as usual."""
        if not self.learn.training:
            return
        self._hold()
        if self.learn.iter + 1 < self.learn.n_iter and self._job.should_stop():
            raise CancelFitException

    def after_epoch(self) -> None:
        """Stop between two epochs."""
        wished = self._job.wish() == "stop_after_epoch"
        if self._job.should_stop() or wished or self._is_over():
            raise CancelFitException

    def _hold(self) -> None:
        """Wait while the run is to pause; whoever measures time is told how long it was."""
        if self._job.wish() != "pause":
            return
        began = time.perf_counter()
        self._job.report(status="paused", remaining_seconds=None)
        while self._job.wish() == "pause" and not self._job.should_stop():
            time.sleep(LOOK_SECONDS)
        self._job.report(status="running")
        self._held(time.perf_counter() - began)
