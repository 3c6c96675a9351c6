"""Rules about what the stages train."""

from collections.abc import Iterator

from core.domain import archs
from core.domain.advice.values import Advice, Facts, Rule, warning
from core.domain.recipes import NO_AUGMENTATION, Recipe


def _features(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    arch = archs.find(recipe.arch)
    cached = [n for n, stage in enumerate(recipe.stages) if stage.train == "features"]
    if not cached:
        return
    field = f"stages.{cached[0]}.train"
    if not recipe.pretrained:
        yield warning(
            field,
            f"The body of {recipe.arch} is random, so its cached features say little.",
            "Begin from pretrained weights, or train all layers.",
        )
    if arch is not None and arch.has_batch_norm:
        has = "may have" if arch.library == "timm" else "has"  # only timm knows its networks
        yield warning(
            field,
            f"{recipe.arch} {has} batch norm, which fastai goes on training in a frozen body: a "
            "stage on cached features is not the same function, though its epochs take seconds.",
            "Train the head instead where the two must agree.",
        )


def _no_effect_on_features(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    cached = [stage for stage in recipe.stages if stage.train == "features"]
    if not cached:
        return
    if recipe.mix is not None:
        yield warning(
            "mix",
            f"{recipe.mix.kind} has no effect in stages on cached features.",
            "It acts in the other stages only; a recipe without those can do without it.",
        )
    varied = recipe.augmentation != NO_AUGMENTATION and recipe.feature_views == 1
    if varied and len(cached) == len(recipe.stages):
        yield warning(
            "augmentation",
            "Augmentation has no effect: every stage trains on cached features of the plain "
            "images.",
            "Cache several views an image, or train the head on images.",
        )


def _groups(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    arch = archs.find(recipe.arch)
    for number, stage in enumerate(recipe.stages):
        if arch and isinstance(stage.train, int) and stage.train >= arch.n_groups:
            yield warning(
                f"stages.{number}.train",
                f"{recipe.arch} has {arch.n_groups} parameter groups: the last {stage.train} are "
                "the same as all layers.",
                f"Choose all layers, or at most the last {arch.n_groups - 1}.",
            )


def _random_body(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    if recipe.pretrained:
        return
    for number, stage in enumerate(recipe.stages):
        if stage.train not in ("head", "features"):
            return  # from here on the body has learned something
        if stage.train == "head":
            yield warning(
                f"stages.{number}.train",
                f"Stage {number + 1} trains the head alone, on a body that is still random.",
                "Train all layers first, or begin from pretrained weights.",
            )


RULES: tuple[Rule, ...] = (_features, _no_effect_on_features, _groups, _random_body)
