"""Rules about network and optimiser."""

from collections.abc import Iterator

from core.domain import archs, schedules
from core.domain.advice.values import Advice, Facts, Rule, warning
from core.domain.recipes import OneCycle, Recipe

WITHOUT_MOMENTUM = ("sgd", "rmsprop")
"""fastai leaves the moving average out of these where they begin with momentum 0."""


def _pooling(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    arch = archs.find(recipe.arch)
    if arch is not None and arch.library == "xresnet" and not recipe.concat_pool:
        yield warning(
            "concat_pool",
            f"Leaving concat pooling out has no effect: {recipe.arch} has average pooling alone.",
            "Nothing needs to be done.",
        )


def _momentum(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    kind = recipe.optimiser.kind
    if kind not in WITHOUT_MOMENTUM or schedules.own_momentum(recipe) > 0:
        return
    moved = any(
        isinstance(stage.schedule, OneCycle) or stage.momentum is not None
        for stage in recipe.stages
    )
    if moved:
        yield warning(
            "optimiser.mom",
            f"fastai's {kind} begins without momentum, and then the momentum of a schedule has "
            "no effect.",
            "Set the optimiser's momentum, to 0.9 for instance.",
        )


RULES: tuple[Rule, ...] = (_pooling, _momentum)
