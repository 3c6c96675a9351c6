"""From a recipe to fastai's learner, and its parameters counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torchvision
from fastai.callback.progress import ProgressCallback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy, error_rate, top_k_accuracy
from fastai.vision.learner import create_vision_model, model_meta, vision_learner
from fastai.vision.models import xresnet
from torch import Tensor, nn

from core.domain.recipes import Recipe, Trainable
from core.engine import weights

TOP_5_FROM = 6
"""With five classes or fewer the top-5 accuracy is always 1."""


def learner(dls: DataLoaders, recipe: Recipe, *, n_classes: int, path: Path) -> Learner:
    """Build the learner as fastai's `vision_learner` does; raise WeightsMissingError.

    From scratch too the body gets fastai's pooling head, so that `head` and `all`, and rates by
    layer, mean the same for every network.
    """
    if recipe.pretrained:
        weights.ensure(recipe.arch)
    made = vision_learner(
        dls,
        architecture(recipe.arch),
        pretrained=recipe.pretrained,
        metrics=metrics(n_classes),
        path=path,
    )
    made.remove_cb(ProgressCallback)
    return made


def architecture(name: str) -> Callable[..., nn.Module]:
    """Find the function of torchvision or fastai that makes a network."""
    library = xresnet if hasattr(xresnet, name) else torchvision.models
    return getattr(library, name)


def metrics(n_classes: int) -> list[Callable[[Tensor, Tensor], Tensor]]:
    """List the metrics: accuracy, error rate, and top-5 accuracy where it says anything."""
    always = [accuracy, error_rate]
    return [*always, top_5_accuracy] if n_classes >= TOP_5_FROM else always


def top_5_accuracy(inp: Tensor, targ: Tensor) -> Tensor:
    """Give the share of items whose label is among the five most probable classes."""
    return top_k_accuracy(inp, targ, k=5)


def train_only(learn: Learner, trainable: Trainable) -> None:
    """Freeze all but the head, or nothing; layers of batch norm stay trained, as in fastai."""
    if trainable == "head":
        learn.freeze()
    else:
        learn.unfreeze()


def count(learn: Learner) -> tuple[int, int]:
    """Count the parameters: all, and those that the next fit changes."""
    parameters = list(learn.model.parameters())
    trained = sum(each.numel() for each in parameters if each.requires_grad)
    return sum(each.numel() for each in parameters), trained


def count_stages(recipe: Recipe, *, n_classes: int, path: Path) -> list[dict[str, Any]]:
    """Count what each stage of a recipe trains, with random weights and no data."""
    make = architecture(recipe.arch)
    learn = Learner(
        DataLoaders(),
        create_vision_model(make, n_classes, pretrained=False),
        loss_func=CrossEntropyLossFlat(),
        splitter=model_meta[make]["split"],
        path=path,
    )
    counted = []
    for stage in recipe.stages:
        train_only(learn, stage.train)
        n_params, n_trained = count(learn)
        row = {"train": stage.train, "n_params": n_params, "n_params_trained": n_trained}
        counted.append(row)
    return counted
