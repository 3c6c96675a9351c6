"""A stage on cached features: the head alone, on what the body says of each image.

One pass through the body reads the images as fastai reads valid ones: cut in the middle, with no
augmentation. Its pooled activations are kept below home, for all runs, and epochs on them take
seconds. fastai 0.7 called it `precompute=True`.

Where the recipe has no augmentation and the body no batch norm, it is the fit of a frozen body.
Layers of batch norm, which fastai goes on training in a frozen body, stay as they are here.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from fastai.callback.progress import ProgressCallback
from fastai.data.core import DataLoaders
from fastai.data.transforms import Normalize
from fastai.learner import Learner
from torch import nn

from core.domain.recipes import Recipe, Stage
from core.engine import data, precision, seeding
from core.engine.data import Batches
from core.engine.features import cutting, reading, serving
from core.engine.features.serving import take_generators
from core.engine.job import Job
from core.engine.normalising import Statistics

__all__ = ["FeatureFit", "build", "take_generators"]


@dataclass(frozen=True, kw_only=True)
class FeatureFit:
    """What a stage on features trains: the head of a learner, and the activations it is fed."""

    learn: Learner  # of the head alone: its parameters are those of the whole model
    batches: Batches  # the same items in the same order; an input has the shape (channels,)


def build(  # noqa: PLR0913  # a learner, and all that its batches are made of
    learn: Learner,
    frame: pd.DataFrame,
    root: Path,
    recipe: Recipe,
    stage: Stage,
    *,
    path: Path,
    job: Job,
    multi: bool = False,
) -> FeatureFit | None:
    """Read the features that are missing, and make what trains the head of `learn` on all.

    None where somebody asked to stop meanwhile; what was computed stays. `frame` has the columns
    item_id, path, label, part and content_hash, and `path` is where fastai may write. No random
    state of the run is touched: the new loaders begin with the generators' states of `learn.dls`.
    Raises UnreadableImageError.
    """
    with seeding.isolated(learn.dls.loaders):
        images = data.batches(
            frame,
            root,
            recipe,
            path=path,
            multi=multi,
            size_px=recipe.size_of(stage),
            batch_size=recipe.batch_size_of(stage),
            statistics=_statistics(learn.dls),
        )
        body, head = cutting.cut(learn.model)
        found = reading.read(body, images, data.of_stage(recipe, stage), job)
        if found is None:
            return None
        batches = serving.batches(images, found, path=path)
    take_generators(batches.dls, learn.dls)
    made = _head_learner(learn, head, batches.dls, path)
    made.add_cbs(precision.callbacks(_in_single_precision(recipe), batches.dls.device))
    return FeatureFit(learn=made, batches=batches)


def _statistics(dls: DataLoaders) -> Statistics | None:
    """Give the mean and deviation that a learner's images are normalised with."""
    for each in dls.valid.after_batch.fs:
        if isinstance(each, Normalize):
            return tuple(each.mean.flatten().tolist()), tuple(each.std.flatten().tolist())
    return None


def _in_single_precision(recipe: Recipe) -> Recipe:
    """Give a recipe whose gradients are clipped and added up as before: a head is quick anyway."""
    return recipe.model_copy(update={"precision": "fp32", "memory_format": "contiguous"})


def _head_learner(learn: Learner, head: nn.Sequential, dls: DataLoaders, path: Path) -> Learner:
    made = Learner(
        dls,
        head,
        loss_func=learn.loss_func,
        opt_func=learn.opt_func,
        lr=learn.lr,
        metrics=learn.metrics,
        path=path,
        wd=learn.wd,
        wd_bn_bias=learn.wd_bn_bias,
        train_bn=learn.train_bn,
        moms=learn.moms,
    )
    made.logger = learn.logger
    made.remove_cb(ProgressCallback)
    return made
