"""The next run of each dataset: read, changed and kept as one value."""

import sqlalchemy as sa

from core.datasets import catalog, splits, subsets, trainable
from core.datasets.subsets import Taken
from core.domain import advice
from core.domain.advice import Advice, Facts
from core.domain.errors import NotFoundError, RecipeError
from core.domain.items import Dataset
from core.domain.plans import Plan, Subset
from core.domain.recipes import Recipe
from core.runs import beginnings, devices, extras, recipes, weights
from core.store import database, schema

MIN_BATCHES = 4


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
    plan = recipes.checked(Plan, {**get(dataset_id).model_dump(), **_plain(fields)})
    save(dataset_id, plan)
    return plan


def change_recipe(dataset_id: str, **fields: object) -> Plan:
    """Change some fields of the plan's recipe and keep it; RecipeError where they disagree."""
    plan = get(dataset_id)
    recipe = recipes.checked(Recipe, {**plan.recipe.model_dump(), **_plain(fields)})
    return change(dataset_id, recipe=recipe)


def set_field(dataset_id: str, path: recipes.FieldPath, value: object) -> Plan:
    """Set one field of the plan's recipe by its path, and keep it; RecipeError where refused."""
    recipe = recipes.with_field(get(dataset_id).recipe, path, value)
    return change(dataset_id, recipe=recipe)


def begin_from(dataset_id: str, name: str) -> Plan:
    """Begin the plan's recipe anew from an offer of the library, fit for the dataset's labels."""
    multi = catalog.get(dataset_id).is_multi_label
    recipe = recipes.rebuild(get(dataset_id).recipe, name=name, is_multi_label=multi)
    if recipe.pretrained and weights.find(recipe.arch) is None:
        recipe = recipe.model_copy(update={"arch": _arch_with_weights(recipe.arch)})
    return change(dataset_id, recipe=recipe, begins_from=None)


def change_subset(dataset_id: str, **fields: object) -> Plan:
    """Change fields of the plan's subset, None being all of `per_class` or `classes`; keep it."""
    wanted = {**get(dataset_id).subset.model_dump(), **fields}
    classes = wanted["classes"]
    if classes is not None and len(set(classes)) < 2:
        chosen = ", ".join(classes) or "none"
        raise RecipeError(
            f"A classifier tells at least 2 classes apart, and these were chosen: {chosen}.",
            hint="Choose another class as well, or all of them. Nothing was changed.",
        )
    return change(dataset_id, subset=recipes.checked(Subset, wanted))


def advise(dataset: Dataset, plan: Plan, taken: Taken) -> tuple[Advice, ...]:
    """Say what speaks against a plan; `taken` is what a run of it would use. Refusals come first.

    Raises RecipeError where the classes that were chosen have no images any more.
    """
    trainable.check_classes(plan.subset, taken.classes)
    facts = Facts(
        n_classes=len(taken.classes),
        is_multi_label=dataset.is_multi_label,
        n_train=taken.n_train,
        n_valid=taken.n_valid,
        smallest_class=min((taken.train.get(name, 0) for name in taken.classes), default=None),
        n_gpus=sum(device != devices.CPU for device in devices.list_devices()),
    )
    first = plan.begins_from
    misfits = beginnings.find(first, plan.recipe, taken.classes) if first is not None else ()
    return (*misfits, *extras.missing(plan.recipe), *advice.advise(plan.recipe, facts))


def check(dataset_id: str, plan: Plan, *, revision: int | None = None) -> None:
    """Raise RecipeError with the first reason, if any, why a plan cannot be trained.

    It is checked with the images of a revision; None is the newest, which is quicker to count.
    """
    dataset = catalog.get(dataset_id)
    if revision is None or revision == dataset.revision:
        taken = subsets.take(dataset_id, plan.split_id, plan.subset)
    else:
        frame = catalog.items_at(
            dataset_id, revision=revision, split_id=plan.split_id, subset=plan.subset
        )
        taken = subsets.count(frame, multi=dataset.is_multi_label)
    for found in advise(dataset, plan, taken):
        if found.level == "refused":
            raise RecipeError(found.sentence, hint=found.hint)


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
    dataset = catalog.get(dataset_id)
    if dataset.source == "sample":
        return recipes.for_the_sample()
    first = recipes.fine_tune(arch=_arch_with_weights(recipes.DEFAULT_ARCH))
    return recipes.for_labels(first, is_multi_label=dataset.is_multi_label)


def _arch_with_weights(usual: str) -> str:
    """Give a network whose weights are on this machine, or the usual one where there is none."""
    named = (usual, recipes.DEFAULT_ARCH, "resnet18", "squeezenet1_0")
    return next((name for name in named if weights.find(name)), usual)
