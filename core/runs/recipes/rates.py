"""The rates of a recipe as one number: read, and set for some of its stages."""

from core.domain import schedules
from core.domain.errors import RecipeError
from core.domain.recipes import MOST_RATE, Auto, Discriminative, LearningRate, Recipe, Stage


def with_rate(recipe: Recipe, lr: float, *, stages: tuple[int, ...]) -> Recipe:
    """Set the top rate of the first of some stages, and move the others' rates by the same factor.

    Discriminative rates keep their ratio, so a fine-tune stays what fastai makes of one base rate.
    A first stage that would find its rate gets the number, spread as it was to be; there is no
    factor then, and the others stay. Others that find theirs go on doing so.
    """
    first = recipe.stages[stages[0]]
    if isinstance(first.lr, Auto):
        _check(lr, lr)
        return _replaced(recipe, {stages[0]: first.lr.resolve(lr)})
    factor = lr / top_rate(first)
    numbers = [n for n in stages if not isinstance(recipe.stages[n].lr, Auto)]
    _check(max(top_rate(recipe.stages[number]) for number in numbers) * factor, lr)
    return _replaced(recipe, {n: _scaled(recipe.stages[n].lr, factor) for n in numbers})


def top_rate(stage: Stage) -> float:
    """Give the head's rate at its highest; raise RecipeError where a range test will choose it."""
    top = schedules.ends(stage.lr)[1]
    if top is None:
        raise RecipeError(
            "This stage finds its rate by itself, so there is none to change.",
            hint="Give the stage a number as its rate first.",
        )
    return top


def finds_rates(recipe: Recipe) -> bool:
    """Say whether a range test chooses the rate of a stage."""
    return any(isinstance(stage.lr, Auto) for stage in recipe.stages)


def _check(highest: float, lr: float) -> None:
    if not 0 < highest <= MOST_RATE:
        raise RecipeError(
            f"With {lr:g} for the first stage another stage's rate would be {highest:g}.",
            hint=f"Rates lie above 0 and up to {MOST_RATE}: choose a smaller one.",
        )


def _replaced(recipe: Recipe, rates: dict[int, LearningRate]) -> Recipe:
    changed = tuple(
        stage.model_copy(update={"lr": rates[number]}) if number in rates else stage
        for number, stage in enumerate(recipe.stages)
    )
    return recipe.model_copy(update={"stages": changed})


def _scaled(lr: LearningRate, factor: float) -> LearningRate:
    if isinstance(lr, Auto):
        return lr
    if not isinstance(lr, Discriminative):
        return lr * factor
    low = None if lr.low is None else lr.low * factor
    return Discriminative(low=low, high=lr.high * factor)
