"""One stage of a recipe as one fit of fastai's learner."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from fastai.callback.core import Callback, CancelEpochException
from fastai.callback.schedule import ParamScheduler
from fastai.learner import Learner

from core.domain import schedules
from core.domain.recipes import Auto, Discriminative, Stage


def fit(
    learn: Learner, stage: Stage, *, callbacks: Sequence[Callback], first_epoch: int = 0
) -> None:
    """Fit one stage from one of its epochs on; what is trained was set before.

    The rates of all batches are those of `core.domain.schedules`. The optimiser lives on from
    stage to stage, as in fastai's `fine_tune`.
    """
    if learn.opt is None:
        learn.create_opt()
    learn.opt.set_hyper("lr", rate(stage))
    tops = [float(hypers["lr"]) for hypers in learn.opt.hypers]
    with from_epoch(learn, first_epoch):
        learn.fit(
            stage.epochs,
            lr=rate(stage),
            wd=stage.wd,
            cbs=[ParamScheduler(scheduled(stage, tops)), *callbacks],
        )


@contextmanager
def from_epoch(learn: Learner, first: int) -> Iterator[None]:
    """Have fits begin with an epoch; fastai's own way runs the callbacks for skipped ones, too."""

    def fit_the_rest() -> None:
        for epoch in range(first, learn.n_epoch):
            learn.epoch = epoch
            learn._with_events(learn._do_epoch, "epoch", CancelEpochException)

    learn._do_fit = fit_the_rest
    try:
        yield
    finally:
        del learn._do_fit


def rate(stage: Stage) -> float | slice:
    """Give the rate as fastai takes it: a number, or a slice from the body to the head."""
    if isinstance(stage.lr, Auto):
        raise TypeError("the rate of an automatic stage is found before it is fitted")
    if isinstance(stage.lr, Discriminative):
        return slice(stage.lr.low, stage.lr.high)
    return stage.lr


def scheduled(stage: Stage, tops: Sequence[float]) -> dict[str, Callable[[float], object]]:
    """Give the functions from a position to hyper-parameters; `tops` are the highest rates."""

    def rates(position: float) -> list[float]:
        return [schedules.lr_at(stage.schedule, top, position) for top in tops]

    moves = schedules.momentum_at(stage.schedule, stage.momentum, 0.0) is not None
    found: dict[str, Callable[[float], object]] = {"lr": rates}
    if moves:
        found["mom"] = partial(schedules.momentum_at, stage.schedule, stage.momentum)
    return found
