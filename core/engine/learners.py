"""The learner of a recipe with everything that acts in each of its batches."""

from pathlib import Path

import numpy as np
from fastai.learner import Learner
from fastai.torch_core import default_device

from core.domain.recipes import Recipe
from core.engine import mixing, models, precision
from core.engine.data import TRAIN, Batches


def build(batches: Batches, recipe: Recipe, *, path: Path, multi: bool = False) -> Learner:
    """Build the learner, with mixing and precision added as a script would add them.

    Raises RecipeError and WeightsMissingError.
    """
    learn = models.learner(
        batches.dls,
        recipe,
        n_classes=len(batches.classes),
        path=path,
        targets=None if multi else train_targets(batches),
        multi=multi,
    )
    learn.add_cbs([*mixing.callbacks(recipe), *precision.callbacks(recipe, default_device())])
    return learn


def train_targets(batches: Batches) -> np.ndarray:
    """Give the class number of each train item, shape (items,)."""
    index = {name: number for number, name in enumerate(batches.classes)}
    return batches.items[TRAIN]["label"].map(index).to_numpy()
