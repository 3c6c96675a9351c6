"""From a table of items to fastai's DataLoaders: batches as the recipe wants them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.data.core import DataLoaders, Datasets, TfmdDL
from fastai.data.transforms import (
    Categorize,
    IntToFloatTensor,
    MultiCategorize,
    Normalize,
    OneHotEncode,
    ToTensor,
)
from fastai.torch_core import to_device
from fastai.vision.augment import AffineCoordTfm, PadMode, Resize, aug_transforms
from fastai.vision.core import PILImage, imagenet_stats
from fastcore.foundation import L

from core.datasets import images, subsets
from core.domain import labellers
from core.domain.errors import UnreadableImageError
from core.domain.recipes import Augmentation, Recipe

TRAIN, VALID = 0, 1
"""The positions of the loaders, as fastai counts them."""

BROKEN_ITEM = (ValueError, TypeError, OSError, ZeroDivisionError)
"""What item transforms raise on pictures that they cannot handle."""

IMAGE_HINT = "Exclude this image or put a whole file in its place and rescan, then start again."


@dataclass(frozen=True, kw_only=True)
class Batches:
    """The loaders of one fit, and which items they serve, in the order of their datasets."""

    dls: DataLoaders
    classes: tuple[str, ...]
    items: tuple[pd.DataFrame, pd.DataFrame]  # train and valid: item_id, path, label
    item_ids: tuple[np.ndarray, np.ndarray]

    @property
    def n_train_batches(self) -> int:
        """Count the batches of an epoch; the last, incomplete one is left out, as fastai does."""
        return len(self.dls.train)


class NamingLoader(TfmdDL):
    """A loader whose failures name the file, also when they come from a loader process."""

    def do_item(self, s: int | None) -> Any:
        """Read and transform one item of the dataset."""
        try:
            return super().do_item(s)
        except BROKEN_ITEM as error:
            raise unusable(self.dataset.items[s or 0], error) from error


def unusable(path: str, error: Exception) -> UnreadableImageError:
    """Make the error that names a picture which the item transforms cannot handle."""
    return UnreadableImageError(
        f"{path} could not be made into a training image: {error}.", hint=IMAGE_HINT
    )


def batches(
    frame: pd.DataFrame,
    root: Path,
    recipe: Recipe,
    *,
    path: Path,
    n_workers: int | None = None,
    multi: bool = False,
) -> Batches:
    """Make the loaders of train and valid from items in order of their paths.

    `frame` has the columns item_id, path, label and part. `path` is where fastai may write. With
    `multi` a label names any number of classes, and a target is a 0 or 1 for each class.
    """
    splits = positions(frame)
    classes = subsets.classes_of(frame["label"], multi=multi)
    datasets = Datasets(
        frame["path"].tolist(),
        tfms=[
            [image_reader(root)],
            [label_reader(frame, multi=multi), *encoders(classes, multi=multi)],
        ],
        splits=splits,
        dl_type=NamingLoader,
    )
    dls = datasets.dataloaders(
        bs=recipe.batch_size,
        num_workers=recipe.n_workers if n_workers is None else n_workers,
        after_item=[Resize(recipe.presize_px), ToTensor()],
        after_batch=[IntToFloatTensor(), *batch_transforms(recipe), normalize()],
        path=path,
    )
    tables = (frame.iloc[splits[TRAIN]], frame.iloc[splits[VALID]])
    return Batches(
        dls=dls,
        classes=classes,
        items=tables,
        item_ids=(tables[TRAIN]["item_id"].to_numpy(), tables[VALID]["item_id"].to_numpy()),
    )


def positions(frame: pd.DataFrame) -> tuple[list[int], list[int]]:
    """Give the positions of the train and of the valid rows."""
    parts = frame["part"].to_numpy()
    train, valid = (np.flatnonzero(parts == part).tolist() for part in ("train", "valid"))
    return train, valid


def image_reader(root: Path) -> Callable[[str], PILImage]:
    """Make the function that reads the picture of a path below the dataset's root."""

    def read_image(path: str) -> PILImage:
        return PILImage(images.load(root / path))

    return named(read_image)


def label_reader(frame: pd.DataFrame, *, multi: bool) -> Callable[[str], Any]:
    """Make the function that gives the label of a path, or with `multi` its labels."""
    label_of = dict(zip(frame["path"].tolist(), frame["label"].tolist(), strict=True))

    def read_label(path: str) -> str:  # fastai wants a function whose signature can be read
        return label_of[path]

    def read_labels(path: str) -> L:  # fastai would take a tuple apart
        return L(labellers.split(label_of[path], multi=True))

    return named(read_labels if multi else read_label)


def named(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Have fastai print an inner function by its own name alone."""
    read.__qualname__ = read.__name__
    return read


def encoders(classes: Sequence[str], *, multi: bool) -> list[Any]:
    """Make the transforms from a label to its number, or from labels to a 0 or 1 a class."""
    vocab = list(classes)
    return [MultiCategorize(vocab=vocab), OneHotEncode()] if multi else [Categorize(vocab=vocab)]


def batch_transforms(recipe: Recipe) -> list[Any]:
    """Make the augmentations; they always bring a batch to the size that the network sees."""
    given = recipe.augmentation
    transforms = aug_transforms(
        do_flip=given.flip or given.flip_vert,
        flip_vert=given.flip_vert,
        max_rotate=given.max_rotate,
        max_zoom=given.max_zoom,
        max_lighting=given.max_lighting,
        max_warp=given.max_warp,
        p_affine=given.p_affine,
        p_lighting=given.p_lighting,
        min_scale=given.min_scale,
        size=recipe.size_px,
    )
    if _resizes(given):
        return list(transforms)
    bare = AffineCoordTfm(size=recipe.size_px, pad_mode=PadMode.Reflection, align_corners=True)
    return [bare, *transforms]


def normalize() -> Normalize:
    """Normalise with ImageNet's mean and deviation, with which the pretrained bodies were trained.

    From scratch too: statistics of a first batch would make a fit depend on what was read before.
    """
    return Normalize.from_stats(*imagenet_stats)


def batch_ids(dls_train: TfmdDL, item_ids: np.ndarray, iteration: int, n: int) -> np.ndarray:
    """Give the item ids of a batch that a loader just gave: its own order, cut at the batch."""
    start = iteration * dls_train.bs
    order = dls_train._DataLoader__idxs  # fastai keeps the order of the pass here
    return item_ids[order[start : start + n]]


def stack(loader: TfmdDL, items: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a batch of items that were read, through the batch transforms of their loader."""
    loader.before_iter()  # tells the transforms whether they train
    pixels, targets = loader.after_batch(to_device(loader.do_batch(items), loader.device))
    return pixels, targets


def _resizes(given: Augmentation) -> bool:
    flips = given.flip or given.flip_vert
    moves = (flips, given.max_rotate, given.max_warp, given.max_zoom > 1)
    return any(moves) or given.min_scale != 1
