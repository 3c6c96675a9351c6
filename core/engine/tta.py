"""Test-time augmentation: several varied views of each image, predicted and averaged."""

import fastai.learner  # noqa: F401  # patches Learner with `tta`
from fastai.data.core import TfmdDL
from fastai.learner import Learner
from torch import Tensor


def predict(
    learn: Learner,
    dl: TfmdDL,
    *,
    n: int,
    beta: float | None,
    train_tfms_from: TfmdDL | None = None,
) -> Tensor:
    """Give the probabilities of a loader's items, shape (items, classes), as fastai's `tta` does.

    Each image is seen `n` times as in training and once as in validation. `beta` is the weight of
    the plain view against the mean of the others; None takes the highest probability of all of
    them (fastai's `use_max`), and then they need not add up to 1. The transforms are those of
    `train_tfms_from`, or of the loader itself. What the learner's recorder holds is kept.
    """
    transforms = {}
    if train_tfms_from is not None:  # one of no batches is false
        transforms["item_tfms"] = train_tfms_from.after_item
        transforms["batch_tfms"] = train_tfms_from.after_batch
    recording = [each for each in learn.cbs if getattr(each, "remove_on_fetch", False)]
    with learn.removed_cbs(recording):
        weight = 0.25 if beta is None else beta  # not read with `use_max`
        found, _targets = learn.tta(dl=dl, n=n, beta=weight, use_max=beta is None, **transforms)
    return found
