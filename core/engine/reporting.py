"""The callback that turns a fit's events into rows and progress; it changes nothing of the fit."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastai.callback.core import Callback

from core.engine.ledger import Ledger

SMOOTHING = 0.9
"""The share of the old value in the smoothed seconds a batch."""

LOSSES = ("train_loss", "valid_loss")


class Clock:
    """Time the batches of one kind, smoothed, and say how long more of them would take."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        self._last = 0.0

    def start(self) -> None:
        """Begin a pass; the first batch takes the loaders' start along."""
        self._last = time.perf_counter()

    def held(self, seconds: float) -> None:
        """Leave a pause out."""
        self._last += seconds

    def tick(self) -> None:
        """Note the end of a batch."""
        now = time.perf_counter()
        took, self._last = now - self._last, now
        old = self.seconds
        self.seconds = took if old is None else SMOOTHING * old + (1 - SMOOTHING) * took


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in a run a stage lies."""

    stage: int
    first_epoch: int  # of the run, that this fit begins with
    stage_epochs: int  # of the run, that are done when the stage is
    n_epochs: int  # of the whole run
    n_steps_later: int  # batches of the stages that follow
    began: float  # of this process's work on the run, by time.perf_counter


class Reporter(Callback):
    """Note steps and epochs of one stage in the ledger, and report the run's progress."""

    order = 70  # after Recorder, which smooths the loss, and ParamScheduler, which sets the rate

    def __init__(self, ledger: Ledger, report: Callable[..., None], *, place: Place) -> None:
        super().__init__()
        self.n_epochs_noted = 0
        self.measured: dict[str, float] = {}  # by the last epoch that was noted
        self._ledger, self._report, self._place = ledger, report, place
        self._train_clock, self._valid_clock = Clock(), Clock()
        self._epoch_began = self._train_seconds = 0.0
        self._n_images = 0

    def held(self, seconds: float) -> None:
        """Leave a pause out of all times."""
        self._epoch_began += seconds
        self._train_clock.held(seconds)

    def before_epoch(self) -> None:
        """Start the epoch's clock."""
        self._epoch_began, self._n_images = time.perf_counter(), 0

    def before_train(self) -> None:
        """Start the train pass's clock."""
        self._train_clock.start()

    def before_validate(self) -> None:
        """Say that the epoch is being measured."""
        self._valid_clock.start()
        self._report(message=f"{self._where()}, validating")

    def after_batch(self) -> None:
        """Note a train batch; time a valid batch."""
        if not self.learn.training:
            self._valid_clock.tick()
            return
        self._train_clock.tick()
        self._train_seconds = time.perf_counter() - self._epoch_began
        self._n_images += len(self.learn.yb[0])
        hypers = self.learn.opt.hypers[-1]
        self._ledger.add_step(
            stage=self._place.stage,
            loss=self.learn.loss.item(),
            smooth_loss=self.learn.smooth_loss.item(),
            lr=hypers["lr"],
            momentum=hypers["mom"],
            seconds=time.perf_counter() - self._place.began,
        )
        self._report(**self._progress())

    def after_epoch(self) -> None:
        """Note what the epoch measured; `Recorder` has it in the order of its names."""
        recorder = self.learn.recorder
        self.note(dict(zip(recorder.metric_names[1:], recorder.values[-1], strict=False)))

    def note(self, values: dict[str, Any]) -> None:
        """Note an epoch, also one that was stopped on the way: losses and metrics by name."""
        named = {name: float(value) for name, value in values.items() if name != "time"}
        self._ledger.add_epoch(
            epoch=self._place.first_epoch + self.n_epochs_noted,
            stage=self._place.stage,
            last_step=self._ledger.n_steps - 1,
            train_loss=named["train_loss"],
            valid_loss=named["valid_loss"],
            metrics={key: named[key] for key in named if key not in LOSSES},
            seconds=time.perf_counter() - self._epoch_began,
            images_per_second=self._n_images / max(self._train_seconds, 1e-9),
        )
        self.n_epochs_noted += 1
        self.measured = named

    def _where(self) -> str:
        epoch = self._place.first_epoch + self.n_epochs_noted
        return f"epoch {epoch + 1} of {self._place.n_epochs}"

    def _progress(self) -> dict[str, Any]:
        """Say how far the run is; later stages are taken to be as fast as this one."""
        loaders, place, seconds = self.learn.dls, self._place, self._train_clock.seconds or 0.0
        done = self._ledger.n_steps
        n_passes = place.n_epochs - place.first_epoch - self.n_epochs_noted
        valid_seconds = self._valid_clock.seconds or seconds / 2  # a guess until the first pass
        n_left = self._n_left()
        return {
            "progress_done": done,
            "progress_total": done + n_left,
            "progress_rate": loaders.train.bs / seconds if seconds else None,
            "remaining_seconds": n_left * seconds + n_passes * len(loaders.valid) * valid_seconds,
            "message": f"{self._where()}, batch {self.learn.iter + 1} of {len(loaders.train)}",
        }

    def _n_left(self) -> int:
        n_batches = len(self.learn.dls.train)
        n_epochs = self._place.stage_epochs - self._place.first_epoch - self.n_epochs_noted
        return n_epochs * n_batches - (self.learn.iter + 1) + self._place.n_steps_later
