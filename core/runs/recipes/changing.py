"""Recipes changed: begun anew from the library, longer, with other stages, or fit for labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain import archs, metrics
from core.domain.errors import RecipeError
from core.domain.recipes import (
    MULTI_LABEL_METRICS,
    SINGLE_LABEL_METRICS,
    BinaryCrossEntropy,
    CrossEntropy,
    Recipe,
    Sgdr,
    Stage,
)
from core.runs.recipes import library
from core.runs.recipes.checking import checked

KEPT = (
    *("presize_px", "size_px", "batch_size", "resize", "augmentation"),
    *("input", "n_workers"),
)
"""What suits the images and the machine rather than an offer: it stays when another is chosen."""

FieldPath = Sequence[str | int]


def rebuild(recipe: Recipe, *, name: str, is_multi_label: bool = False) -> Recipe:
    """Begin anew from an offer, and keep what a person set for the images and the machine.

    Set is what differs from the offer that the recipe began as. Sizes of the offer's stages keep
    their ratio to the size of the whole, so an offer still fits small images and few of them.
    """
    fresh = for_labels(library.offer(name).make(), is_multi_label=is_multi_label)
    kept = _set_by_hand(recipe, is_multi_label=is_multi_label)
    arch = _arch_for(recipe, fresh)
    values: dict[str, Any] = {
        **fresh.model_dump(),
        **kept,
        "arch": arch,
        "pretrained": fresh.pretrained,
    }
    values["stages"] = [_in_proportion(stage, values, fresh) for stage in values["stages"]]
    largest = max([values["size_px"], *(stage["size_px"] or 0 for stage in values["stages"])])
    values["presize_px"] = max(values["presize_px"], largest)
    made = checked(Recipe, values)
    return for_labels(made, is_multi_label=True) if is_multi_label else made


def changed_fields(recipe: Recipe, *, is_multi_label: bool = False) -> tuple[str, ...]:
    """Name the fields in which a recipe that bears an offer's name is not that offer any more.

    Sizes and what else suits the images or the machine are no change, and neither is the network.
    """
    offers = [one for one in library.LIBRARY if one.name == recipe.name]
    if not offers:
        return ()
    offered = for_labels(offers[0].make(), is_multi_label=is_multi_label).model_dump()
    alike = ("name", "arch", "pretrained", "stages", *KEPT)
    found = [
        name
        for name, value in recipe.model_dump().items()
        if name not in alike and value != offered[name]
    ]
    ours, theirs = (
        [(stage["train"], stage["schedule"]["kind"]) for stage in stages]
        for stages in (recipe.model_dump()["stages"], offered["stages"])
    )
    return (*(["stages"] if ours != theirs else []), *found)


def for_labels(recipe: Recipe, *, is_multi_label: bool) -> Recipe:
    """Give a recipe the loss and the metrics that the labels of a dataset ask for."""
    suiting = MULTI_LABEL_METRICS if is_multi_label else SINGLE_LABEL_METRICS
    usual = metrics.USUAL_OF_SEVERAL_LABELS if is_multi_label else ()
    changes: dict[str, object] = {
        "metrics": tuple(one for one in recipe.metrics if one in suiting) or usual
    }
    if is_multi_label != isinstance(recipe.loss, BinaryCrossEntropy):
        changes["loss"] = BinaryCrossEntropy() if is_multi_label else CrossEntropy()
    for field in ("keep_best", "early_stopping"):
        watching = getattr(recipe, field)
        if watching is not None and watching.metric not in ("valid_loss", *suiting):
            changes[field] = watching.model_copy(update={"metric": "valid_loss"})
    return recipe.model_copy(update=changes)


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """Set the epochs of the last stage, and of those that are as long as it in the library."""
    template = library.offer(recipe.name).make().stages
    alike = len(template) == len(recipe.stages)
    last = len(recipe.stages) - 1
    stages = [
        stage.model_copy(update={"epochs": epochs})
        if not isinstance(stage.schedule, Sgdr)
        and (number == last or (alike and template[number].epochs == template[last].epochs))
        else stage
        for number, stage in enumerate(recipe.stages)
    ]
    return checked(Recipe, {**recipe.model_dump(), "stages": _dumped(stages)})


def with_field(recipe: Recipe, path: FieldPath, value: object) -> Recipe:
    """Set one field by its path, such as `("stages", 0, "schedule", "div")`.

    Raises RecipeError where the new recipe cannot work.
    """
    values = recipe.model_dump(mode="json")  # with lists for tuples, which cannot be changed
    place: Any = values
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value.model_dump() if hasattr(value, "model_dump") else value
    return checked(Recipe, values)


def add_stage(recipe: Recipe, *, like: int) -> Recipe:
    """Put a copy of a stage behind it."""
    stages = list(recipe.stages)
    stages.insert(like + 1, stages[like])
    return _with_stages(recipe, stages)


def move_stage(recipe: Recipe, number: int, *, by: int) -> Recipe:
    """Move a stage up (-1) or down (+1); at the end of the list it stays."""
    target = number + by
    if not 0 <= target < len(recipe.stages):
        return recipe
    stages = list(recipe.stages)
    stages.insert(target, stages.pop(number))
    return _with_stages(recipe, stages)


def remove_stage(recipe: Recipe, number: int) -> Recipe:
    """Remove a stage; the last one stays, by RecipeError."""
    if len(recipe.stages) == 1:
        raise RecipeError(
            "The only stage of a recipe cannot be removed.",
            hint="Change it, or add another one first.",
        )
    return _with_stages(recipe, [stage for n, stage in enumerate(recipe.stages) if n != number])


def _with_stages(recipe: Recipe, stages: Sequence[Stage]) -> Recipe:
    return checked(Recipe, {**recipe.model_dump(), "stages": _dumped(stages)})


def _dumped(stages: Sequence[Stage]) -> list[dict[str, object]]:
    return [stage.model_dump() for stage in stages]


def _set_by_hand(recipe: Recipe, *, is_multi_label: bool) -> dict[str, Any]:
    offered = library.offer(recipe.name).make()
    begun = [offered.model_dump()]
    begun.append(for_labels(offered, is_multi_label=is_multi_label).model_dump())
    return {
        field: value
        for field, value in recipe.model_dump().items()
        if field in KEPT and value not in [one[field] for one in begun]
    }


def _arch_for(recipe: Recipe, fresh: Recipe) -> str:
    arch = archs.find(recipe.arch)
    keeps = fresh.pretrained and arch is not None and arch.is_pretrained
    return recipe.arch if keeps else fresh.arch


def _in_proportion(
    stage: dict[str, Any], values: Mapping[str, Any], fresh: Recipe
) -> dict[str, Any]:
    changed = dict(stage)
    for field, least in (("size_px", 8), ("batch_size", 2)):
        if stage[field] is not None:
            ratio = values[field] / getattr(fresh, field)
            changed[field] = max(least, round(stage[field] * ratio))
    return changed
