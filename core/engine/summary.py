"""fastai's `DataBlock.summary` of a plan: each step from files to a batch, and where one fails."""

import contextlib
import io
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from fastai.data.block import CategoryBlock, DataBlock, MultiCategoryBlock, TransformBlock
from fastai.data.core import TfmdDL
from fastai.data.load import DataLoader
from fastai.data.transforms import IntToFloatTensor
from fastai.vision.core import PILImage

from core.datasets import subsets
from core.domain.errors import EngineError, OutOfMemoryError, RecipeError, WinnowError
from core.domain.plans import Plan
from core.domain.recipes import Recipe
from core.engine import augmenting, data, failures, normalising, seeding
from core.engine.data import TRAIN, Reader

Positions = tuple[list[int], list[int]]


def describe(
    frame: pd.DataFrame, root: Path, plan: Plan, *, multi: bool = False
) -> dict[str, Any]:
    """Give what fastai prints as `text`, and where that ends early `error`, `hint` and `file`.

    The batch is the first that a run of this plan would see, so that what spoils that one fails
    here, too. Only its images are decoded, and those that the recipe normalises by. Raises
    RecipeError where there is nothing to train on.
    """
    recipe = data.of_stage(plan.recipe, plan.recipe.stages[0])
    plan = plan.model_copy(update={"recipe": recipe})
    positions = first_batch_first(frame, plan)
    if not positions[TRAIN]:
        raise RecipeError(
            "There are no train images, so there is no batch to go through.",
            hint="Take back exclusions, or choose another split.",
        )
    seeding.seed_all(plan.seed)
    said, seen = io.StringIO(), list[str]()
    read = _noting(data.image_reader(root, at_least_px=data.draft_px(recipe)), seen)
    make = partial(block, frame, read, recipe, positions, multi=multi)
    problem = _go_through(make, root, min(recipe.batch_size, len(positions[TRAIN])), said, seen)
    is_of_a_file = problem is not None and not isinstance(problem, OutOfMemoryError)
    file = seen[-1] if seen and is_of_a_file else None
    if problem is not None and not isinstance(problem, WinnowError):
        problem = _in_words(problem, file)
    return {
        "text": said.getvalue(),
        "error": problem.sentence if problem else None,
        "hint": problem.hint if problem else None,
        "file": file,
    }


def block(
    frame: pd.DataFrame, read: Reader, recipe: Recipe, positions: Positions, *, multi: bool
) -> DataBlock:
    """Make the data block whose batches `data.batches` makes; its source is the root folder."""
    classes = list(subsets.classes_of(frame["label"], multi=multi))
    paths = frame["path"].tolist()
    one_hot = data.is_multi_target(recipe, multi)
    targets = MultiCategoryBlock(vocab=classes) if one_hot else CategoryBlock(vocab=classes)
    statistics = data.statistics_of(frame, read, recipe)
    return DataBlock(
        blocks=(TransformBlock(type_tfms=read, batch_tfms=IntToFloatTensor), targets),
        get_items=lambda _root: paths,
        get_y=data.label_reader(frame, recipe, multi=multi),
        splitter=lambda _paths: positions,
        item_tfms=augmenting.presize(recipe),
        batch_tfms=[
            *augmenting.batch_transforms(recipe),
            *normalising.transforms(statistics),
        ],
    )


def first_batch_first(frame: pd.DataFrame, plan: Plan) -> Positions:
    """Give the positions of train and valid; those of a run's first train batch come first.

    They are shuffled by fastai's own loader, over numbers instead of files.
    """
    train, valid = data.positions(frame)
    loader = DataLoader(train, bs=plan.recipe.batch_size, shuffle=True)
    loader.rng = random.Random(plan.seed + TRAIN)  # as `seeding.seed_fit` leaves it
    loader.randomize()
    shuffled = [train[at] for at in loader.get_idxs()]
    return shuffled, valid


def _go_through(
    make: Callable[[], DataBlock], root: Path, n_items: int, said: io.StringIO, seen: list[str]
) -> Exception | None:
    """Run fastai's summary and give what ended it early."""
    try:
        with failures.explained(batch_size=n_items), contextlib.redirect_stdout(said):
            made = make()
            seen.clear()  # what was only measured
            made.dl_type = _clearing(seen)
            made.summary(root, bs=n_items)
    except (WinnowError, *data.BROKEN_ITEM, RuntimeError) as error:
        return error
    return None


def _in_words(problem: Exception, file: str | None) -> WinnowError:
    if file is not None:
        return data.unusable(file, problem)
    return EngineError(
        f"The images could not be made into a batch: {problem}.",
        hint="The last line of the summary names the step; try fastai's default augmentation.",
    )


def _clearing(seen: list[str]) -> type[TfmdDL]:
    """Make a loader that forgets what was read once it has all items of a batch.

    What fails later is no single file's fault.
    """

    class Loader(TfmdDL):
        def create_batch(self, items: list[Any]) -> Any:
            seen.clear()
            return super().create_batch(items)

    return Loader


def _noting(read: Reader, seen: list[str]) -> Reader:
    def read_image(path: str) -> PILImage:
        seen.append(path)
        return read(path)

    return data.named(read_image)
