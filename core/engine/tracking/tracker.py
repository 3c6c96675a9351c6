"""The callback that has a run written elsewhere, and lets nothing there disturb the fit."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fastai.callback.core import Callback

from core.domain.recipes import Recipe
from core.domain.values import flat
from core.engine import seeding
from core.engine.tracking.local import CsvLog, TensorBoard
from core.engine.tracking.services import MLflow, WandB
from core.engine.tracking.sinks import Place, Sink

log = logging.getLogger(__name__)


class Tracker(Callback):
    """Write steps and epochs of one run to all of its sinks, over all stages.

    A sink that fails is told of once, in the log and in `notes`, and is not asked again. No
    generator of the fit is touched.
    """

    order = 72  # when Recorder and Reporter have noted the batch or the epoch

    def __init__(self, sinks: list[Sink]) -> None:
        super().__init__()
        self.notes: list[str] = []  # a sentence for each sink that was switched off
        self._sinks = sinks
        self._stage = self._n_epochs = self._n_steps = 0
        self._epoch_began = 0.0

    def begin(self, *, stage: int, n_epochs: int, n_steps: int) -> None:
        """Get ready for a stage; before it, so many epochs and steps of the run were kept."""
        self._stage, self._n_epochs, self._n_steps = stage, n_epochs, n_steps
        self._undisturbed(lambda sink: sink.begin(self._place()))

    def before_epoch(self) -> None:
        """Start the epoch's clock."""
        self._epoch_began = time.perf_counter()

    def after_batch(self) -> None:
        """Write a train batch's loss, and the rate and momentum it was trained with."""
        if not self.learn.training:
            return
        self._n_steps += 1
        hypers = self.learn.opt.hypers[-1]
        values = {"loss": self.learn.loss.item(), "lr": float(hypers["lr"])}
        if "mom" in hypers:
            values["momentum"] = float(hypers["mom"])
        self._all(lambda sink: sink.step(self._place(), values))

    def after_epoch(self) -> None:
        """Write what the epoch measured; `Recorder` has it in the order of its names."""
        recorder = self.learn.recorder
        self.note(dict(zip(recorder.metric_names[1:], recorder.values[-1], strict=False)))

    def note(self, values: Mapping[str, float]) -> None:
        """Write an epoch, also one that was stopped on the way: losses and metrics by name."""
        named = {name: float(value) for name, value in values.items()}
        seconds = time.perf_counter() - self._epoch_began
        self._undisturbed(lambda sink: sink.epoch(self._place(), named, seconds=seconds))
        self._n_epochs += 1

    def close(self) -> None:
        """Let all sinks finish; the run has ended, in whatever way."""
        self._undisturbed(lambda sink: sink.close())
        self._sinks = []

    def _place(self) -> Place:
        return Place(stage=self._stage, epoch=self._n_epochs, n_steps=self._n_steps)

    def _undisturbed(self, do: Callable[[Sink], None]) -> None:
        """Ask all sinks, and put back the generators that other people's code may draw from."""
        if self._sinks:
            with seeding.isolated([]):
                self._all(do)

    def _all(self, do: Callable[[Sink], None]) -> None:
        for sink in list(self._sinks):
            try:
                do(sink)
            except Exception as error:  # noqa: BLE001  # a fit does not end for want of a tracker
                self._switch_off(sink, error)

    def _switch_off(self, sink: Sink, error: Exception) -> None:
        self._sinks.remove(sink)
        note = f"{sink.name} failed and was switched off: {type(error).__name__}: {error}"
        self.notes.append(note)
        log.warning("%s", note, exc_info=error)


def build(recipe: Recipe, *, run_id: str, run_name: str, folder: Path) -> Tracker:
    """Make the tracker of a run, with as many sinks as its recipe wants; `folder` is the run's.

    Raises RecipeError where a package is missing or not set up.
    """
    wanted, params = recipe.tracking, flat(recipe.model_dump(mode="json"))
    sinks: list[Sink] = []
    if wanted.csv:
        sinks.append(CsvLog(folder / "log.csv"))
    if wanted.tensorboard:
        sinks.append(TensorBoard(folder / "tensorboard"))
    if wanted.wandb:
        sinks.append(WandB(run_id, run_name, folder, params))
    if wanted.mlflow:
        sinks.append(MLflow(run_name, folder, params))
    return Tracker(sinks)
