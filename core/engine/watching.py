"""Callbacks that watch a measurement from epoch to epoch: keep the best weights, end a stage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.learner import Learner, Recorder, get_model
from torch import nn

from core.domain import recipes
from core.domain.errors import RecipeError
from core.domain.recipes.measures import LOWER_IS_BETTER, Watched

NOT_MEASURED = ("epoch", "time")
"""Names in a recorder's table that say when, not how well."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best epoch so far, and the model as it was then."""

    epoch: int  # of the whole run
    value: float
    state: dict[str, torch.Tensor]  # weights and buffers, on the CPU


class KeepBest(Callback):
    """Keep a copy of the weights of the epoch that was best, over all stages of a run.

    `model` is the model whose weights are kept, where it is not the learner's own: a stage on
    cached features fits the head alone. Equal values keep the earlier epoch, and NaN is never
    better.
    """

    order = 60  # after Recorder; before the epoch's checkpoint is written

    def __init__(self, metric: Watched, *, model: nn.Module | None = None) -> None:
        super().__init__()
        self.best: Best | None = None
        self.n_epochs = 0  # compared so far, over all stages
        self._metric, self._whole = metric, model

    def before_fit(self) -> None:
        """Raise RecipeError where the fit does not measure the metric."""
        _check_measured(self._metric, self.learn.recorder)

    def after_epoch(self) -> None:
        """Compare the epoch that Recorder has just noted."""
        value = _value(self._metric, self.learn.recorder)
        if value is None:
            return
        if _is_better(self._metric, value, than=self.best.value if self.best else None):
            whole = self._whole if self._whole is not None else get_model(self.learn.model)
            self.best = Best(epoch=self.n_epochs, value=value, state=_copy(whole))
        self.n_epochs += 1

    def put_back(self, model: nn.Module) -> bool:
        """Put the weights of the best epoch into a model; False where it has them already."""
        if self.best is None or _is_equal(self.best.state, model.state_dict()):
            return False
        model.load_state_dict(self.best.state)
        return True

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint carries: plain values and tensors."""
        best = self.best
        kept = None
        if best is not None:
            kept = {"epoch": best.epoch, "value": best.value, "state": best.state}
        return {"n_epochs": self.n_epochs, "best": kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.n_epochs = state["n_epochs"]
        self.best = Best(**state["best"]) if state["best"] is not None else None


class EarlyStopping(Callback):
    """Say that a stage is over once a metric has not become better for some epochs.

    The same epochs as with fastai's `EarlyStoppingCallback`; but the fit ends where the next epoch
    would begin, so that all others have noted this one. One instance belongs to one stage.
    """

    order = 61

    def __init__(self, metric: Watched, *, patience: int, min_delta: float = 0.0) -> None:
        super().__init__()
        self.stopped_at: int | None = None  # the last epoch of the stage that was trained
        self._metric, self._patience, self._min_delta = metric, patience, min_delta
        self._best: float | None = None
        self._n_waited = 0

    @property
    def is_over(self) -> bool:
        """Say whether the patience is used up."""
        return self.stopped_at is not None

    @property
    def note(self) -> str | None:
        """Say in a sentence why the stage ended, or nothing where it did not."""
        if self.stopped_at is None:
            return None
        epochs = "1 epoch" if self._patience == 1 else f"{self._patience} epochs"
        return (
            f"{self._metric} has not become better for {epochs}, so the stage ended after "
            f"its epoch {self.stopped_at + 1}."
        )

    def before_fit(self) -> None:
        """Raise RecipeError where the fit does not measure the metric."""
        _check_measured(self._metric, self.learn.recorder)

    def before_epoch(self) -> None:
        """End the fit where the epoch before has used up the patience."""
        if self.is_over:
            raise CancelFitException(self.note)

    def after_epoch(self) -> None:
        """Compare the epoch that Recorder has just noted."""
        value = _value(self._metric, self.learn.recorder)
        if value is None:
            return
        if _is_better(self._metric, value, than=self._best, by=self._min_delta):
            self._best, self._n_waited = value, 0
            return
        self._n_waited += 1
        if self._n_waited >= self._patience:
            self.stopped_at = self.learn.epoch

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint carries."""
        return {"best": self._best, "n_waited": self._n_waited, "stopped_at": self.stopped_at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on within the same stage from what `state_dict` gave."""
        self._best, self._n_waited = state["best"], state["n_waited"]
        self.stopped_at = state["stopped_at"]


def patience(wanted: recipes.EarlyStopping | None) -> EarlyStopping | None:
    """Make the callback of one stage, where the recipe wants one."""
    if wanted is None:
        return None
    return EarlyStopping(wanted.metric, patience=wanted.patience, min_delta=wanted.min_delta)


def keep_best(wanted: recipes.KeepBest | None, learn: Learner) -> KeepBest | None:
    """Make the callback of one run, where the recipe wants one; `learn` has the whole model."""
    return KeepBest(wanted.metric, model=learn.model) if wanted is not None else None


def _check_measured(metric: Watched, recorder: Recorder) -> None:
    names: Sequence[str] = [name for name in recorder.metric_names if name not in NOT_MEASURED]
    if metric not in names:
        raise RecipeError(
            f"The metric {metric} is to be watched, but this run measures only "
            f"{', '.join(names)}.",
            hint=f"Add {metric} to the recipe's metrics, or watch one that is measured.",
        )


def _value(metric: Watched, recorder: Recorder) -> float | None:
    """Read the last epoch's value; None where it was skipped, as before a continued epoch."""
    if not recorder.values or not recorder.values[-1]:
        return None
    names = list(recorder.metric_names)[1:]  # after epoch
    return float(recorder.values[-1][names.index(metric)])


def _is_better(metric: Watched, value: float, *, than: float | None, by: float = 0.0) -> bool:
    """Compare as fastai does: what is NaN is not better, and the first number is.

    Infinity, which fastai begins with, is not better than nothing.
    """
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    before = -math.inf if than is None else sign * than
    return sign * value - by > before


def _copy(model: nn.Module) -> dict[str, torch.Tensor]:
    state = model.state_dict()
    return {name: each.detach().to("cpu", copy=True) for name, each in state.items()}


def _is_equal(state: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(each, other[name].cpu()) for name, each in state.items())
