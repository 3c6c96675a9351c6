"""What a fit needs, asked before anything is trained."""

import pandas as pd

from core.datasets import subsets
from core.domain.errors import RecipeError
from core.domain.recipes import Recipe


def check(frame: pd.DataFrame, recipe: Recipe, *, multi: bool = False) -> None:
    """Raise RecipeError where no batches can be made of these items with this recipe."""
    train = frame[frame["part"] == "train"]
    n_valid = int((frame["part"] == "valid").sum())
    n_classes = len(subsets.classes_of(train["label"], multi=multi))
    if n_classes < 2:
        raise RecipeError(
            f"The train images have {n_classes} class{'es' if n_classes != 1 else ''}, "
            "and a classifier needs at least 2.",
            hint="Add a folder with images of another class, or take back exclusions.",
        )
    if n_valid == 0:
        raise RecipeError(
            "There are no valid images, so nothing could be measured.",
            hint="Take back exclusions of valid images, or make a split with a larger valid part.",
        )
    batch_size = max(recipe.batch_size_of(stage) for stage in recipe.stages)
    if batch_size > len(train):
        raise RecipeError(
            f"A batch of {batch_size} images is more than the {len(train)} train images, "
            "so an epoch would have no batch.",
            hint=f"Choose a batch size of {len(train)} or less, or more images a class.",
        )
