"""The recipes on offer: functions that return a checked recipe."""

from collections.abc import Callable
from dataclasses import dataclass

from core.domain import schedules
from core.domain.archs import ARCHS
from core.domain.errors import RecipeError
from core.domain.recipes import (
    MOST_RATE,
    Augmentation,
    Auto,
    Discriminative,
    LearningRate,
    OneCycle,
    Recipe,
    Stage,
)

DEFAULT_ARCH = "resnet34"


def fine_tune(*, epochs: int = 4, lr: float = 2e-3, arch: str = DEFAULT_ARCH) -> Recipe:
    """Train the head for one epoch, then all layers with lower rates for the body.

    The two fits are those of fastai's `Learner.fine_tune(epochs, base_lr=lr)`.

    Measured: see docs/log.md.
    """
    frozen = Stage(
        train="head", epochs=1, lr=Discriminative(high=lr), schedule=OneCycle(pct_start=0.99)
    )
    unfrozen = Stage(
        train="all",
        epochs=epochs,
        lr=Discriminative(low=lr / 200, high=lr / 2),
        schedule=OneCycle(pct_start=0.3, div=5.0),
    )
    return Recipe(name="Fine-tune", arch=arch, stages=(frozen, unfrozen))


def baseline(*, epochs: int = 10, lr: float = 3e-3, arch: str = DEFAULT_ARCH) -> Recipe:
    """Train the head for n epochs, then all layers for n epochs, one-cycle each.

    The rates of the second half spread from a hundredth of its top at the first layers to the top
    at the head; chapter 5 of the fastai book does the same with `slice(1e-6, 1e-4)`.

    Measured: nothing yet.
    """
    frozen = Stage(train="head", epochs=epochs, lr=lr)
    unfrozen = Stage(train="all", epochs=epochs, lr=Discriminative(low=1e-6, high=1e-4))
    return Recipe(name="Baseline", arch=arch, stages=(frozen, unfrozen))


def from_scratch(*, epochs: int = 8, lr: float = 4e-3, arch: str = "xresnet18") -> Recipe:
    """Train all layers from random weights: needs no download, but more images and epochs.

    Measured: see docs/log.md, for the sample.
    """
    stage = Stage(train="all", epochs=epochs, lr=lr)
    return Recipe(
        name="From scratch",
        arch=arch,
        pretrained=False,
        presize_px=160,
        size_px=128,
        stages=(stage,),
    )


def for_the_sample() -> Recipe:
    """Train the digits sample: from scratch at 64 px, without flips, which turn a digit into none.

    Measured: see docs/log.md.
    """
    base = from_scratch()
    changes = {
        "presize_px": 64,
        "size_px": 64,
        "batch_size": 32,
        "augmentation": Augmentation(flip=False),
    }
    return Recipe.model_validate({**base.model_dump(), **changes})


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A recipe in the library, with what a person should know before choosing it."""

    name: str
    make: Callable[..., Recipe]
    about: str


LIBRARY: tuple[Offer, ...] = (
    Offer(
        name="Fine-tune",
        make=fine_tune,
        about="One epoch for the new head, then all layers. The usual first choice.",
    ),
    Offer(
        name="Baseline",
        make=baseline,
        about="As many epochs frozen as unfrozen: two equal halves, easy to compare between runs.",
    ),
    Offer(
        name="From scratch",
        make=from_scratch,
        about="No pretrained weights. For images unlike photos, or where no weights can be had.",
    ),
)


def offer(name: str) -> Offer:
    """Find the offer that a recipe began as; a renamed recipe counts as fine-tune."""
    return next((found for found in LIBRARY if found.name == name), LIBRARY[0])


def rebuild(recipe: Recipe, *, name: str, epochs: int) -> Recipe:
    """Take another offer or number of epochs, and keep what a person set on everything else."""
    found = offer(name)
    fresh = found.make(epochs=epochs)
    if name == recipe.name and len(fresh.stages) == len(recipe.stages):
        stages = tuple(
            fitted.model_copy(update={"lr": old.lr})
            for fitted, old in zip(fresh.stages, recipe.stages, strict=True)
        )
        return recipe.model_copy(update={"stages": stages})
    arch, pretrained = _arch_for(recipe, fresh)
    kept = recipe.model_dump(include={"presize_px", "size_px", "batch_size", "n_workers"})
    changes = {
        **kept,
        "arch": arch,
        "pretrained": pretrained,
        "augmentation": recipe.augmentation,
    }
    return Recipe.model_validate({**fresh.model_dump(), **changes})


def _arch_for(recipe: Recipe, fresh: Recipe) -> tuple[str, bool]:
    if not fresh.pretrained:
        return fresh.arch, False
    if ARCHS[recipe.arch].weights_file is None:
        return fresh.arch, True
    return recipe.arch, True


def with_rate(recipe: Recipe, lr: float, *, stages: tuple[int, ...]) -> Recipe:
    """Set the top rate of the first of some stages, and move the others' rates by the same factor.

    Discriminative rates keep their ratio, so a fine-tune stays what fastai makes of one base rate.
    """
    factor = lr / top_rate(recipe.stages[stages[0]])
    highest = max(top_rate(recipe.stages[number]) for number in stages) * factor
    if not 0 < highest <= MOST_RATE:
        raise RecipeError(
            f"With {lr:g} for the first stage another stage's rate would be {highest:g}.",
            hint=f"Rates lie above 0 and up to {MOST_RATE}: choose a smaller one.",
        )
    changed = tuple(
        stage.model_copy(update={"lr": _scaled(stage.lr, factor)}) if number in stages else stage
        for number, stage in enumerate(recipe.stages)
    )
    return recipe.model_copy(update={"stages": changed})


def top_rate(stage: Stage) -> float:
    """Give the head's rate at its highest; raise RecipeError where a range test will choose it."""
    top = schedules.ends(stage.lr)[1]
    if top is None:
        raise RecipeError(
            "This stage finds its rate by itself, so there is none to change.",
            hint="Give the stage a number as its rate first.",
        )
    return top


def _scaled(lr: LearningRate, factor: float) -> LearningRate:
    if isinstance(lr, Auto):
        return lr
    if not isinstance(lr, Discriminative):
        return lr * factor
    low = None if lr.low is None else lr.low * factor
    return Discriminative(low=low, high=lr.high * factor)
