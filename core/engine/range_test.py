"""The range test: a mock fit at rising rates (Smith, arXiv:1506.01186), and what it suggests."""

import math
import threading
from dataclasses import dataclass
from typing import Any

from fastai.callback import schedule as _lr_find_is_patched_in  # noqa: F401
from fastai.callback.core import Callback, CancelFitException
from fastai.learner import Learner

from core.domain.errors import EngineError
from core.domain.recipes import Auto
from core.engine import reporting, seeding, suggestions
from core.engine.job import Job

FIRST_LR, LAST_LR, N_BATCHES = 1e-7, 10.0, 100
"""fastai's defaults."""

FALL = 0.9
"""A curve whose lowest smoothed loss is above this share of its first tells little."""

INSTEAD = ("valley", "steepest", "minimum/10", "slide")
"""What is taken, in this order, where the wanted suggestion cannot be read off the curve."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The rate that a stage takes, and the curve it was read off."""

    lr: float
    name: str  # of the suggestion
    points: tuple[tuple[float, float, float], ...]  # rate, loss, smoothed loss
    suggestions: tuple[dict[str, Any], ...]

    @property
    def doubt(self) -> str | None:
        """Say why the rate may be far off, where its curve hardly falls."""
        losses = [smooth for _lr, _loss, smooth in self.points]
        if not losses or min(losses) <= FALL * losses[0]:
            return None
        return (
            "The loss hardly fell in the range test, so this rate is little more than a guess; a "
            "number as the stage's rate may serve better."
        )

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Found":
        """Make it again of what `as_json` gave."""
        chosen = stored["chosen"]
        return cls(
            lr=chosen["lr"],
            name=chosen["name"],
            points=tuple((lr, loss, smooth) for lr, loss, smooth in stored["points"]),
            suggestions=tuple(stored["suggestions"]),
        )

    def as_json(self) -> dict[str, Any]:
        """Give it as it is stored with the stage."""
        return {
            "points": [list(point) for point in self.points],
            "suggestions": list(self.suggestions),
            "chosen": {"name": self.name, "lr": self.lr},
        }


class Points:
    """The points of a curve; another thread may read them while they are added."""

    def __init__(self) -> None:
        self._points: list[tuple[float, float, float]] = []
        self._lock = threading.Lock()

    def add(self, lr: float, loss: float, smooth_loss: float) -> None:
        """Note a point; one without a finite loss cannot be drawn."""
        if math.isfinite(loss) and math.isfinite(smooth_loss):
            with self._lock:
                self._points.append((lr, loss, smooth_loss))

    def all(self) -> tuple[tuple[float, float, float], ...]:
        """Give the points so far: rate, loss, smoothed loss."""
        with self._lock:
            return tuple(self._points)


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


def test(learn: Learner, streamer: Callback, **settings: Any) -> list[dict[str, Any]]:
    """Test rising rates as `learn.lr_find` does, and give the suggestions of the curve.

    `settings` are fastai's start_lr, end_lr and num_it. The learner is left as it was.
    """
    with learn.added_cbs(streamer):
        learn.lr_find(show_plot=False, suggest_funcs=None, **settings)
    rates = [float(rate) for rate in learn.recorder.lrs]
    losses = [float(loss) for loss in learn.recorder.losses]
    return suggestions.suggest(rates, losses, n_asked=settings["num_it"])


def within(learn: Learner, auto: Auto, job: Job) -> Found | None:
    """Find the rate of a stage that is about to begin; nothing of it is left in the run.

    None where somebody asked to stop. Raises EngineError where the curve suggests no rate.
    """
    points = Points()
    streamer = Streamer(points, _Quiet(job), n_points=N_BATCHES)
    with seeding.isolated(learn.dls.loaders):
        found = test(learn, streamer, start_lr=FIRST_LR, end_lr=LAST_LR, num_it=N_BATCHES)
    if job.should_stop():
        return None
    rates = {each["name"]: each["lr"] for each in found if each["lr"] is not None}
    for name in (auto.suggestion, *INSTEAD):
        if name in rates:
            return Found(lr=rates[name], name=name, points=points.all(), suggestions=tuple(found))
    n_points = len(points.all())
    raise EngineError(
        f"The range test before this stage suggests no rate: its curve has {n_points} points.",
        hint="Give the stage a number as its rate; 2e-3 is a usual one for a new head.",
    )


class _Quiet:
    """A job whose progress stays that of the run: only the message says what is being done."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.should_stop, self.wish, self.save_now = job.should_stop, job.wish, job.save_now

    def report(self, **columns: Any) -> None:
        """Report the message alone."""
        done, total = columns["progress_done"], columns["progress_total"]
        self._job.report(message=f"finding the rate, batch {done} of {total}")
