"""The optimisers on offer are fastai's, with its defaults where a recipe says nothing."""

from functools import partial
from typing import Any

import pytest
import torch
from fastai.optimizer import SGD, Adam, Lamb, RMSProp, ranger

from core.domain.recipes import Optimiser
from core.domain.schedules import OWN_MOMENTUM
from core.engine import optimisers
from tests.engine import tiny

pytestmark = pytest.mark.engine

KINDS = ("adam", "sgd", "rmsprop", "ranger", "lamb")


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"kind": "adam"}, Adam),
        ({"kind": "sgd"}, SGD),
        ({"kind": "rmsprop"}, RMSProp),
        ({"kind": "ranger"}, ranger),
        ({"kind": "lamb"}, Lamb),
        (
            {"kind": "adam", "mom": 0.8, "sqr_mom": 0.9, "eps": 1e-3, "wd": 0.3},
            partial(Adam, mom=0.8, sqr_mom=0.9, eps=1e-3, wd=0.3),
        ),
        ({"kind": "sgd", "mom": 0.9, "wd": 0.1}, partial(SGD, mom=0.9, wd=0.1)),
        (
            {"kind": "rmsprop", "mom": 0.5, "decouple_wd": False, "wd": 0.1},
            partial(RMSProp, mom=0.5, decouple_wd=False, wd=0.1),
        ),
        ({"kind": "ranger", "sqr_mom": 0.9, "eps": 1e-3}, partial(ranger, sqr_mom=0.9, eps=1e-3)),
        ({"kind": "lamb", "wd": 0.2}, partial(Lamb, wd=0.2)),
    ],
    ids=lambda each: str(each) if isinstance(each, dict) else "fastai",
)
def test_an_optimiser_takes_the_steps_of_fastai_s_own(given: Any, plain: Any) -> None:
    ours = tiny.step_losses(opt_func=optimisers.build(Optimiser(**given)))

    assert ours == tiny.step_losses(opt_func=plain)


def test_each_optimiser_takes_other_steps() -> None:
    lasts = {
        tiny.step_losses(opt_func=optimisers.build(Optimiser(kind=kind)))[-1] for kind in KINDS
    }

    assert len(lasts) == len(KINDS)


def test_the_eps_of_rmsprop_is_used_though_fastai_forgets_it() -> None:
    given = optimisers.build(Optimiser(kind="rmsprop", eps=0.5))

    assert given([torch.zeros(2)], lr=0.1).hypers[0]["eps"] == 0.5
    assert tiny.step_losses(opt_func=given) != tiny.step_losses(opt_func=RMSProp)


@pytest.mark.parametrize("kind", KINDS)
def test_the_weight_decay_and_momentum_of_a_recipe_that_names_none_are_fastai_s(kind: Any) -> None:
    optimiser = Optimiser(kind=kind)

    made = optimisers.build(optimiser)([torch.zeros(2)], lr=0.1)

    assert optimisers.weight_decay(optimiser) == made.hypers[0]["wd"]
    assert made.hypers[0]["mom"] == OWN_MOMENTUM[kind]


def test_a_stage_s_weight_decay_ends_with_the_stage() -> None:
    optimiser = Optimiser(wd=0.2)
    learn = tiny.learner(
        opt_func=optimisers.build(optimiser), wd=optimisers.weight_decay(optimiser)
    )

    learn.fit(1, wd=0.7)
    during = learn.opt.hypers[0]["wd"]
    learn.fit(1)

    assert (during, learn.opt.hypers[0]["wd"]) == (0.7, 0.2)
