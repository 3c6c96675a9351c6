"""What a fit makes small, as fastai builds it, and the plain loss of each item for rankings."""

from typing import Any

import numpy as np
import torch
from fastai.losses import (
    BaseLoss,
    BCEWithLogitsLossFlat,
    CrossEntropyLossFlat,
    FocalLossFlat,
    LabelSmoothingCrossEntropyFlat,
)
from torch import Tensor, nn

from core.domain.errors import RecipeError
from core.domain.recipes import (
    BinaryCrossEntropy,
    ClassWeighted,
    CrossEntropy,
    Focal,
    LabelSmoothing,
    Loss,
)

USUAL: Loss = CrossEntropy()
"""The loss of a recipe that says nothing else."""


def build(
    loss: Loss, *, n_classes: int, targets: np.ndarray | None = None, multi: bool = False
) -> BaseLoss:
    """Make fastai's loss function of a recipe's loss.

    `targets` are the class numbers of the train items, shape (items,); only class weights need
    them. Raises RecipeError where a loss of one label an image meets multi-label data.
    """
    check(loss, multi=multi)
    match loss:
        case CrossEntropy():
            return CrossEntropyLossFlat()
        case LabelSmoothing():
            return LabelSmoothingCrossEntropyFlat(eps=loss.epsilon)
        case Focal():
            return FocalLossFlat(gamma=loss.gamma)
        case ClassWeighted():
            return CrossEntropyLossFlat(weight=class_weights(targets, n_classes=n_classes))
        case BinaryCrossEntropy():
            return BCEWithLogitsLossFlat(thresh=loss.threshold)


def check(loss: Loss, *, multi: bool) -> None:
    """Raise RecipeError where a loss of one label an image meets multi-label data."""
    if multi and not isinstance(loss, BinaryCrossEntropy):
        raise RecipeError(
            f"The loss {loss.kind} is for one label an image, and these images have several.",
            hint="Choose binary_cross_entropy.",
        )


def is_one_hot(loss: Loss) -> bool:
    """Say whether the loss compares with a 0 or 1 for each class, not with a class number."""
    return isinstance(loss, BinaryCrossEntropy)


def class_weights(targets: np.ndarray | None, *, n_classes: int) -> Tensor:
    """Weigh each class by n / (classes * n_class), as scikit-learn's `balanced`; shape (classes,).

    Classes without a train item are not counted, and weigh 1 where valid has items of them.
    """
    if targets is None:
        raise TypeError("class weights need the class numbers of the train items")
    counts = np.bincount(targets, minlength=n_classes)
    seen = counts > 0
    weights = np.ones(n_classes)
    weights[seen] = len(targets) / (seen.sum() * counts[seen])
    return torch.tensor(weights, dtype=torch.float32)


def per_item(pred: Tensor, targets: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    """Give each item's plain loss, shape (items,), and its probabilities, (items, classes).

    `pred` are the network's outputs, (items, classes); `targets` class numbers, (items,), or a 0
    or 1 for each class. Whatever weights, smoothing or focus the fit has, this is cross-entropy;
    with a sigmoid a class, the mean over the classes of binary cross-entropy.
    """
    scores = pred.detach().float().as_subclass(Tensor)
    wanted = targets.detach().to(scores.device).as_subclass(Tensor)
    if not is_one_hot(loss):
        plain = nn.functional.cross_entropy(scores, wanted, reduction="none")
        return plain, scores.softmax(dim=1)
    if wanted.ndim == 1:
        wanted = nn.functional.one_hot(wanted, scores.shape[1])
    binary: Any = nn.functional.binary_cross_entropy_with_logits
    return binary(scores, wanted.float(), reduction="none").mean(dim=1), scores.sigmoid()
