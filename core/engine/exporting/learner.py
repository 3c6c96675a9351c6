"""A plain learner for `load_learner`: fastai's own classes alone, so it loads without Winnow."""

from functools import partial
from pathlib import Path
from typing import Any

from fastai.data.core import DataLoaders, Datasets
from fastai.data.transforms import (
    Categorize,
    IntToFloatTensor,
    ItemGetter,
    MultiCategorize,
    OneHotEncode,
    ToTensor,
)
from fastai.learner import Learner
from fastai.losses import BCEWithLogitsLossFlat, CrossEntropyLossFlat
from fastai.metrics import accuracy, accuracy_multi
from fastai.vision.core import PILImage
from PIL import Image, ImageOps

from core.domain import archs
from core.engine import augmenting, normalising, outputs
from core.engine.trained import PLACEHOLDER_PX, Trained
from core.store import files

NOTES = (
    "Pictures are turned upright by their EXIF, as here. Transparent ones come on black, not on "
    "white, and greys of 16 bits are cut off, as fastai does.",
    "Give paths to `predict`, not pictures that PIL has opened and not loaded.",
)
NEEDS_TIMM = "Loading it needs timm, too."


def save(model: Trained, path: Path) -> dict[str, Any]:
    """Write a learner with a run's weights as `learn.export` does; give what is to be said of it.

    Its answers are the run's, but for pictures that are transparent or have 16 bits a channel.
    """
    made = build(model)
    files.write_with(path, lambda part: made.export(part.absolute()))
    is_timm = model.recipe.arch.startswith(archs.TIMM)
    return {"notes": [*NOTES, *([NEEDS_TIMM] if is_timm else [])]}


def build(model: Trained) -> Learner:
    """Make a learner of nothing but fastai's, torch's and Pillow's own classes and functions."""
    if model.threshold is None:
        loss, metric = CrossEntropyLossFlat(), accuracy
    else:
        loss = BCEWithLogitsLossFlat(thresh=model.threshold)
        metric = partial(accuracy_multi, thresh=model.threshold)
    # The path is where fastai would write, on the machine that loads it.
    return Learner(
        _loaders(model), model.learn.model, loss_func=loss, metrics=[metric], path=Path()
    )


def _loaders(model: Trained) -> DataLoaders:
    white = PILImage(Image.new("RGB", (PLACEHOLDER_PX, PLACEHOLDER_PX), "white"))
    vocab = list(model.classes)
    label: str | list[str] = [vocab[0]] if model.is_sigmoid else vocab[0]
    several = [MultiCategorize(vocab=vocab), OneHotEncode()]
    targets = several if model.is_sigmoid else [Categorize(vocab=vocab)]
    read = [PILImage.create, ImageOps.exif_transpose, PILImage.create]  # the last: its class again
    datasets = Datasets(
        [(white, label)],
        tfms=[[ItemGetter(0), *read], [ItemGetter(1), *targets]],
        splits=([0], [0]),
    )
    return datasets.dataloaders(
        bs=1,
        num_workers=0,
        after_item=[augmenting.presize(model.recipe), ToTensor()],
        after_batch=[
            IntToFloatTensor(),
            *augmenting.batch_transforms(model.recipe),
            *normalising.transforms(outputs.statistics_of(model.run_id)),
        ],
        path=Path(),
    )
