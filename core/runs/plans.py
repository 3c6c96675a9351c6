"""The next run of each dataset: read, changed and kept as one value."""

from typing import TypeVar

import sqlalchemy as sa
from pydantic import ValidationError

from core.datasets import catalog, splits, subsets, trainable
from core.domain.errors import NotFoundError, RecipeError
from core.domain.plans import Plan, Subset
from core.domain.recipes import Recipe
from core.runs import recipes, weights
from core.store import database, schema

MIN_BATCHES = 4
Model = TypeVar("Model", Plan, Recipe, Subset)


def get(dataset_id: str) -> Plan:
    """Give the plan as it was left, or a first one that suits the dataset."""
    query = sa.select(schema.datasets.c.plan).where(schema.datasets.c.id == dataset_id)
    with database.reading() as connection:
        stored = connection.execute(query).scalar()
    if stored is not None:
        return Plan.model_validate(stored)
    split = splits.get_master(dataset_id)
    if split is None:
        raise NotFoundError(
            "This dataset has no split yet.",
            hint="A scan makes one when it has found images: open a folder with one sub-folder a "
            "class, and let its scan finish.",
        )
    n_train = subsets.take(dataset_id, split.id, Subset()).n_train
    recipe = _first_recipe(dataset_id)
    fitting = recipe.model_copy(update={"batch_size": _batch_size(recipe.batch_size, n_train)})
    return Plan(split_id=split.id, recipe=fitting)


def save(dataset_id: str, plan: Plan) -> None:
    """Keep the plan for all pages and browsers."""
    change = sa.update(schema.datasets).where(schema.datasets.c.id == dataset_id)
    with database.writing() as connection:
        connection.execute(change.values(plan=plan.model_dump(mode="json")))


def change(dataset_id: str, **fields: object) -> Plan:
    """Change some fields of the plan (`subset`, `seed`, `split_id`, `recipe`) and keep it."""
    plan = _checked(Plan, {**get(dataset_id).model_dump(), **_plain(fields)})
    save(dataset_id, plan)
    return plan


def change_recipe(dataset_id: str, **fields: object) -> Plan:
    """Change some fields of the plan's recipe and keep it; RecipeError where they disagree."""
    plan = get(dataset_id)
    recipe = _checked(Recipe, {**plan.recipe.model_dump(), **_plain(fields)})
    return change(dataset_id, recipe=recipe)


def change_subset(dataset_id: str, **fields: object) -> Plan:
    """Change `per_class` or `classes` of the plan's subset, None being all, and keep it."""
    wanted = {**get(dataset_id).subset.model_dump(), **fields}
    classes = wanted["classes"]
    if classes is not None and len(set(classes)) < 2:
        chosen = ", ".join(classes) or "none"
        raise RecipeError(
            f"A classifier tells at least 2 classes apart, and these were chosen: {chosen}.",
            hint="Choose another class as well, or all of them. Nothing was changed.",
        )
    return change(dataset_id, subset=_checked(Subset, wanted))


def check(dataset_id: str, plan: Plan) -> None:
    """Raise RecipeError where the dataset, or the plan's classes, are none to train on."""
    trainable.check_labels(catalog.get(dataset_id))
    if plan.subset.classes is not None:
        taken = subsets.take(dataset_id, plan.split_id, plan.subset)
        trainable.check_classes(plan.subset, taken.classes)


def _checked(model: type[Model], values: dict[str, object]) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RecipeError(_sentence(error), hint="Nothing was changed.") from error


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {said}." if place else f"{said[0].upper()}{said[1:]}."


def _plain(fields: dict[str, object]) -> dict[str, object]:
    return {
        name: value.model_dump() if hasattr(value, "model_dump") else value
        for name, value in fields.items()
    }


def _batch_size(usual: int, n_train: int) -> int:
    """Halve the usual batch size until an epoch has some four batches."""
    size = usual
    while size > 2 and size * MIN_BATCHES > n_train:
        size //= 2
    return size


def _first_recipe(dataset_id: str) -> Recipe:
    if catalog.get(dataset_id).source == "sample":
        return recipes.for_the_sample()
    for arch in (recipes.DEFAULT_ARCH, "resnet18", "squeezenet1_0"):
        if weights.find(arch):
            return recipes.fine_tune(arch=arch)
    return recipes.fine_tune()
