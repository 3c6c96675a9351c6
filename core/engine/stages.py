"""One stage of a recipe as one fit of fastai's learner."""

from fastai.callback import schedule as _fit_one_cycle_is_patched_in  # noqa: F401
from fastai.callback.core import Callback
from fastai.learner import Learner

from core.domain.recipes import Discriminative, Stage


def fit(learn: Learner, stage: Stage, *, callbacks: list[Callback]) -> None:
    """Fit one stage; what is trained was set before (`models.train_only`).

    The optimiser lives on from stage to stage, as in fastai's `fine_tune`.
    """
    learn.fit_one_cycle(
        stage.epochs,
        lr_max=rate(stage),
        pct_start=stage.schedule.pct_start,
        div=stage.schedule.div,
        div_final=stage.schedule.div_final,
        cbs=callbacks,
    )


def rate(stage: Stage) -> float | slice:
    """Give the rate as fastai takes it: a number, or a slice from the body to the head."""
    if isinstance(stage.lr, Discriminative):
        return slice(stage.lr.low, stage.lr.high)
    return stage.lr
