"""Mixup and cutmix are fastai's: the same step losses as a learner built by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.mixup import CutMix, MixUp
from fastai.callback.progress import ProgressCallback
from fastai.data.block import CategoryBlock, DataBlock, MultiCategoryBlock
from fastai.data.core import DataLoaders
from fastai.data.transforms import ColReader, Normalize
from fastai.learner import Learner
from fastai.losses import BCEWithLogitsLossFlat, CrossEntropyLossFlat
from fastai.torch_core import default_device
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.core import imagenet_stats
from fastai.vision.data import ImageBlock
from torch import nn

from core.domain.recipes import BinaryCrossEntropy, CrossEntropy, Mix, Recipe
from core.engine import data, mixing, seeding
from tests.engine.conftest import fine_tune

pytestmark = pytest.mark.engine

MIXES = {"mixup": Mix(kind="mixup", alpha=0.4), "cutmix": Mix(kind="cutmix", alpha=1.0)}


@pytest.fixture(autouse=True)
def on_the_cpu() -> None:
    """Compare on the device that every machine has."""
    default_device(use=False)


class Watch(Callback):
    """Keep each step's loss, and the targets that the learner ends a step with."""

    order = 70
    run_valid = False

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.seen: list[torch.Tensor] = []

    def after_batch(self) -> None:
        """Keep what the step had."""
        self.losses.append(self.learn.loss.item())
        self.seen.append(self.learn.yb[0].clone())


class First(Callback):
    """Keep the first batch before and after it is mixed, and leave."""

    order = -10  # before the mixing

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.mixed = torch.empty(0), torch.empty(0)
        self.states = torch.empty(0)

    def before_batch(self) -> None:
        """Keep the plain pixels, and the generator that the mixing draws from."""
        self.plain, self.states = self.learn.xb[0].clone(), torch.get_rng_state()

    def after_pred(self) -> None:
        """Keep the mixed pixels."""
        self.mixed = self.learn.xb[0].clone()
        raise CancelFitException


def learner(dls: DataLoaders, loss: Callable[..., torch.Tensor], handler: list[Any]) -> Learner:
    """Make a learner of a network that is as small as can be."""
    seeding.seed_all(42)
    model = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 3))
    learn = Learner(dls, model, loss_func=loss, cbs=handler)
    learn.remove_cb(ProgressCallback)
    seeding.seed_fit(dls, 42)
    return learn


def fitted(dls: DataLoaders, loss: Callable[..., torch.Tensor], handler: list[Any]) -> Watch:
    """Fit two epochs and give what was seen."""
    learn, watch = learner(dls, loss, handler), Watch()
    with learn.no_logging():
        learn.fit(2, lr=1e-2, cbs=watch)
    return watch


def of_fastai(frame: pd.DataFrame, root: Path, *, one_hot: bool) -> DataLoaders:
    """Make loaders as a notebook would."""
    block = MultiCategoryBlock if one_hot else CategoryBlock
    return DataBlock(
        blocks=(ImageBlock, block(vocab=["blue", "green", "red"])),
        get_x=ColReader("path", pref=root),
        get_y=lambda row: [row["label"]] if one_hot else row["label"],
        splitter=lambda _: data.positions(frame),
        item_tfms=Resize(40),
        batch_tfms=[*aug_transforms(size=32), Normalize.from_stats(*imagenet_stats, cuda=False)],
    ).dataloaders(frame, bs=8, num_workers=0)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_the_step_losses_are_fastais_to_the_bit(
    frame: pd.DataFrame, photos: Path, tmp_path: Path, kind: str, one_hot: bool
) -> None:
    loss = BCEWithLogitsLossFlat() if one_hot else CrossEntropyLossFlat()
    recipe: Recipe = fine_tune(
        mix=MIXES[kind], loss=BinaryCrossEntropy() if one_hot else CrossEntropy()
    )
    by_hand = MixUp(0.4) if kind == "mixup" else CutMix(1.0)

    dls = data.batches(frame, photos, recipe, path=tmp_path).dls
    ours = fitted(dls, loss, mixing.callbacks(recipe))
    plain = fitted(dls, loss, [])
    theirs = fitted(of_fastai(frame, photos, one_hot=one_hot), loss, [by_hand])

    assert len(ours.losses) == 6
    assert ours.losses == theirs.losses != plain.losses
    are_plain = [bool((each == each.round()).all()) for each in ours.seen]
    assert all(are_plain) is not one_hot  # with one-hot targets fastai blends them in place


def test_a_recipe_that_does_not_mix_has_no_callback() -> None:
    assert mixing.callbacks(fine_tune()) == []


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_a_blend_is_the_batch_that_a_fit_would_see(
    frame: pd.DataFrame, photos: Path, tmp_path: Path, kind: str
) -> None:
    recipe: Recipe = fine_tune(mix=MIXES[kind])
    dls, first = data.batches(frame, photos, recipe, path=tmp_path).dls, First()
    learn = learner(dls, CrossEntropyLossFlat(), mixing.callbacks(recipe))
    with learn.no_logging():
        learn.fit(1, cbs=first)

    seeding.seed_fit(dls, 42)
    plain = dls.train.one_batch()[0]
    mixed, shares = mixing.blend(plain, MIXES[kind])

    assert torch.equal(plain, first.plain)
    assert torch.equal(mixed, first.mixed)
    assert not torch.equal(mixed, plain)
    assert shares.sum(dim=1).tolist() == pytest.approx([1.0] * 8)
    if kind == "mixup":
        blended = torch.einsum("ij,jchw->ichw", shares, torch.Tensor(plain))
        assert torch.allclose(torch.Tensor(mixed), blended, atol=1e-5)
