"""A recipe's optimiser as one of fastai's, which has its own default for all that is not set."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fastai.optimizer import SGD, Adam, Lamb, Optimizer, RMSProp, ranger

from core.domain.recipes import Optimiser

MAKERS: dict[str, Callable[..., Optimizer]] = {
    "adam": Adam,
    "sgd": SGD,
    "rmsprop": RMSProp,
    "ranger": ranger,
    "lamb": Lamb,
}


def build(optimiser: Optimiser) -> Callable[..., Optimizer]:
    """Make the function that `Learner` takes as `opt_func`.

    SGD and RMSProp have a momentum only where the recipe gives one; else what a schedule says of
    it moves nothing, as in fastai.
    """
    given = optimiser.model_dump(include={"mom", "sqr_mom", "eps", "wd"}, exclude_none=True)
    if not optimiser.decouple_wd:
        given["decouple_wd"] = False
    make = MAKERS[optimiser.kind]
    if optimiser.kind == "rmsprop" and optimiser.eps is not None:
        make = _rmsprop
    return partial(make, **given) if given else make


def weight_decay(optimiser: Optimiser) -> float:
    """Give the weight decay of a stage that names none: the recipe's, or fastai's default.

    Given to `Learner` as `wd`, it keeps a stage from inheriting that of the stage before.
    """
    if optimiser.wd is not None:
        return optimiser.wd
    return float(inspect.signature(MAKERS[optimiser.kind]).parameters["wd"].default)


def _rmsprop(params: Sequence[Any], lr: float, *, eps: float, **given: Any) -> Optimizer:
    """Make fastai's RMSProp and set its eps, which fastai takes and forgets."""
    made = RMSProp(params, lr, **given)
    made.set_hyper("eps", eps)
    return made
