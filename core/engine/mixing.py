"""Mixup and cutmix: pairs of images of a train batch blended, and their labels with them.

What learns from a mixed batch is fastai's `MixUp` and `CutMix`, and what they do to the targets
depends on the loss. Losses of class numbers (cross-entropy, smoothed, focal, weighted) are
computed against both labels and blended, and `learn.yb` keeps the plain targets. Losses of a 0 or
1 a class (binary cross-entropy) get blended targets in `learn.yb`. A loss that is kept for an item
must therefore take its target from the item and not from `learn.yb`; it is still the loss of a
picture that shows two items.
"""

from types import SimpleNamespace

import torch
from fastai.callback.core import Callback
from fastai.callback.mixup import CutMix, MixHandler, MixUp

from core.domain.recipes import Mix, Recipe


def callbacks(recipe: Recipe) -> list[Callback]:
    """Make the callback that mixes train batches, or none; new ones for each fit."""
    return [] if recipe.mix is None else [_handler(recipe.mix)]


def blend(pixels: torch.Tensor, mix: Mix) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix a batch (n, channels, height, width) as a fit would whose generators stand here.

    Gives the pixels, and the share that each item (column) has in each picture (row).
    """
    n_items = len(pixels)
    mixed, own = pixels.clone(), torch.eye(n_items, device=pixels.device)
    learn = SimpleNamespace(x=mixed, y=own, xb=(mixed,), yb=(own,))
    handler = _handler(mix)
    handler.learn, handler.stack_y = learn, False
    handler.before_batch()
    return learn.xb[0], learn.yb[0]


def _handler(mix: Mix) -> MixHandler:
    return MixUp(mix.alpha) if mix.kind == "mixup" else CutMix(mix.alpha)
