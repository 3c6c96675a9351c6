"""What a stage trains, and how many parameters that are."""

from pathlib import Path
from typing import Any

import torch
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat

from core.domain.recipes import Recipe, Trainable
from core.engine.models.building import network


def train_only(learn: Learner, trainable: Trainable) -> None:
    """Freeze all but the head, all but the last n groups, or nothing.

    Layers of batch norm stay trained, as in fastai, where the learner has `train_bn`. A stage on
    cached features trains the head alone, so it counts as one.
    """
    if learn.opt is None:
        learn.create_opt()
    if trainable == "all":
        learn.unfreeze()
    elif trainable in ("head", "features"):
        learn.freeze()
    elif int(trainable) >= len(learn.opt.param_lists):
        learn.unfreeze()
    else:
        learn.freeze_to(-int(trainable))


def count(learn: Learner) -> tuple[int, int]:
    """Count the parameters: all, and those that the next fit changes."""
    parameters = list(learn.model.parameters())
    trained = sum(each.numel() for each in parameters if each.requires_grad)
    return sum(each.numel() for each in parameters), trained


def count_stages(recipe: Recipe, *, n_classes: int, path: Path) -> list[dict[str, Any]]:
    """Count what each stage of a recipe trains, without weights and without data.

    On torch's device `meta` a network has shapes only, so even a large one takes no memory.
    Raises RecipeError where timm does not know the network, or is not installed.
    """
    with torch.device("meta"):
        model, groups = network(recipe, n_classes=n_classes)
    learn = Learner(
        DataLoaders(),
        model,
        loss_func=CrossEntropyLossFlat(),
        splitter=groups,
        train_bn=recipe.train_bn,
        path=path,
    )
    counted = []
    for stage in recipe.stages:
        train_only(learn, stage.train)
        n_params, n_trained = count(learn)
        row = {"train": stage.train, "n_params": n_params, "n_params_trained": n_trained}
        counted.append(row)
    return counted
