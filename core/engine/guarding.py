"""Callbacks that end a fit early: on a loss that is no number, and when a person asks."""

import math
from collections.abc import Callable

from fastai.callback.core import Callback, CancelFitException

from core.domain.errors import NotFiniteError


class FiniteGuard(Callback):
    """Raise NotFiniteError before the step that would spoil the weights, and in validation."""

    order = -5  # before anybody else reads the loss

    def after_loss(self) -> None:
        """Look at the loss of the batch."""
        value = self.learn.loss.item()
        if not math.isfinite(value):
            rate = self.learn.opt.hypers[-1]["lr"]
            part = "batch" if self.learn.training else "valid batch"
            raise NotFiniteError(
                f"The loss became {value} in {part} {self.learn.iter + 1} of epoch "
                f"{self.learn.epoch + 1} of this stage, at a learning rate of {rate:.2g}.",
                hint="Train with a lower learning rate; a tenth of it is a good first try.",
            )


class Stopper(Callback):
    """End the fit after a train batch, or after an epoch, when `should_stop` says so.

    A validation pass that has begun is finished: its numbers are worth more than its seconds.
    """

    order = 90  # when all others have noted the batch or the epoch

    def __init__(self, should_stop: Callable[[], bool]) -> None:
        super().__init__()
        self.should_stop = should_stop

    def after_batch(self) -> None:
        """Stop between two train batches; after an epoch's last one it is validated as usual."""
        is_last = self.learn.iter + 1 == self.learn.n_iter
        if self.learn.training and not is_last and self.should_stop():
            raise CancelFitException

    def after_epoch(self) -> None:
        """Stop between two epochs."""
        if self.should_stop():
            raise CancelFitException
