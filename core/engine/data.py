"""From a table of items to fastai's DataLoaders: batches as the recipe wants them."""

from collections.abc import Callable
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
    OneHotEncode,
    ToTensor,
)
from fastai.torch_core import to_device
from fastai.vision.core import PILImage
from fastcore.foundation import L

from core.datasets import images, subsets
from core.domain import labellers
from core.domain.errors import UnreadableImageError
from core.domain.recipes import BinaryCrossEntropy, Recipe, Stage
from core.engine import augmenting, normalising
from core.engine.normalising import Statistics

TRAIN, VALID = 0, 1
"""The positions of the loaders, as fastai counts them."""

BROKEN_ITEM = (ValueError, TypeError, OSError, ZeroDivisionError)
"""What item transforms raise on pictures that they cannot handle."""

Reader = Callable[[str], PILImage]
"""Gives the picture of a path below the dataset's root."""

IMAGE_HINT = "Exclude this image or put a whole file in its place and rescan, then start again."


@dataclass(frozen=True, kw_only=True)
class Batches:
    """The loaders of one fit, and which items they serve, in the order of their datasets."""

    dls: DataLoaders
    classes: tuple[str, ...]
    items: tuple[pd.DataFrame, pd.DataFrame]  # train and valid: item_id, path, label
    item_ids: tuple[np.ndarray, np.ndarray]
    statistics: Statistics | None  # mean and deviation that the network is fed with

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


def batches(  # noqa: PLR0913  # what a stage, a preview or a stored model says instead
    frame: pd.DataFrame,
    root: Path,
    recipe: Recipe,
    *,
    path: Path,
    n_workers: int | None = None,
    multi: bool = False,
    size_px: int | None = None,
    batch_size: int | None = None,
    statistics: Statistics | None = None,
) -> Batches:
    """Make the loaders of train and valid from items in order of their paths.

    `frame` has the columns item_id, path, label and part. `path` is where fastai may write. With
    `multi` a label names any number of classes. What is None is the recipe's; `statistics` are
    those of batches made before, so that the same images are not measured again.
    """
    given = {"n_workers": n_workers, "size_px": size_px, "batch_size": batch_size}
    used = recipe.model_copy(update={name: at for name, at in given.items() if at is not None})
    read = image_reader(root, at_least_px=draft_px(recipe))
    known = statistics_of(frame, read, recipe) if statistics is None else statistics
    splits = positions(frame)
    datasets = Datasets(
        frame["path"].tolist(),
        tfms=[[read], targets(frame, recipe, multi=multi)],
        splits=splits,
        dl_type=NamingLoader,
    )
    tables = (frame.iloc[splits[TRAIN]], frame.iloc[splits[VALID]])
    return Batches(
        dls=_loaders(datasets, used, known, path),
        classes=subsets.classes_of(frame["label"], multi=multi),
        items=tables,
        item_ids=(tables[TRAIN]["item_id"].to_numpy(), tables[VALID]["item_id"].to_numpy()),
        statistics=known,
    )


def of_stage(recipe: Recipe, stage: Stage) -> Recipe:
    """Give the recipe with the sizes of a stage as its own."""
    sizes = {"size_px": recipe.size_of(stage), "batch_size": recipe.batch_size_of(stage)}
    return recipe.model_copy(update=sizes)


def positions(frame: pd.DataFrame) -> tuple[list[int], list[int]]:
    """Give the positions of the train and of the valid rows."""
    parts = frame["part"].to_numpy()
    train, valid = (np.flatnonzero(parts == part).tolist() for part in ("train", "valid"))
    return train, valid


def statistics_of(frame: pd.DataFrame, read: Reader, recipe: Recipe) -> Statistics | None:
    """Give what a recipe normalises with; None: with nothing.

    Where it asks for the train images' own statistics, some of these are read and presized as
    valid images are, whatever the sizes of the stages. Raises UnreadableImageError.
    """
    if recipe.normalisation != "dataset":
        return normalising.IMAGENET if recipe.normalisation == "imagenet" else None
    presize = augmenting.presize(recipe)

    def view(path: str) -> PILImage:
        picture = read(path)
        try:
            return presize(picture, split_idx=VALID)
        except BROKEN_ITEM as error:
            raise unusable(path, error) from error

    return normalising.measure(frame.loc[frame["part"] == "train", "path"].tolist(), view)


def image_reader(root: Path, *, at_least_px: int | None = None) -> Reader:
    """Make the function that reads the picture of a path below the dataset's root.

    With `at_least_px` large JPEGs come reduced, but no smaller than that.
    """

    def read_image(path: str) -> PILImage:
        return PILImage(images.load(root / path, at_least_px=at_least_px))

    return named(read_image)


def draft_px(recipe: Recipe) -> int | None:
    """Give the pixels that the shorter side keeps where a recipe reads drafts, else None.

    A draft of a photo of 12 megapixels is decoded and presized about 6 times as fast, and its
    pixels differ by about 1 of 255.
    """
    return recipe.presize_px if recipe.input == "draft" else None


def is_multi_target(recipe: Recipe, multi: bool) -> bool:
    """Say whether a target is a 0 or 1 for each class, and not the number of one class.

    So it is where an item has several labels, and where the loss asks of each class by itself,
    so that the answer to an image may be *none of these* (the fastai book, chapter 6).
    """
    return multi or isinstance(recipe.loss, BinaryCrossEntropy)


def targets(frame: pd.DataFrame, recipe: Recipe, *, multi: bool) -> list[Any]:
    """Make the transforms from a path to the target of its item."""
    vocab = list(subsets.classes_of(frame["label"], multi=multi))
    read = label_reader(frame, recipe, multi=multi)
    if is_multi_target(recipe, multi):
        return [read, MultiCategorize(vocab=vocab), OneHotEncode()]
    return [read, Categorize(vocab=vocab)]


def label_reader(
    frame: pd.DataFrame, recipe: Recipe, *, multi: bool
) -> Callable[[str], str] | Callable[[str], L]:
    """Make the function that gives the label of a path; a list for a 0 or 1 a class."""
    label_of = dict(zip(frame["path"].tolist(), frame["label"].tolist(), strict=True))

    def read_label(path: str) -> str:  # fastai wants a function whose signature can be read
        return label_of[path]

    def read_labels(path: str) -> L:  # fastai would take a tuple apart
        return L(labellers.split(label_of[path], multi=multi))

    return named(read_labels if is_multi_target(recipe, multi) else read_label)


def named(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Have fastai print an inner function by its own name alone."""
    read.__qualname__ = read.__name__
    return read


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


def _loaders(
    datasets: Datasets, recipe: Recipe, statistics: Statistics | None, path: Path
) -> DataLoaders:
    return datasets.dataloaders(
        bs=recipe.batch_size,
        num_workers=recipe.n_workers,
        after_item=[augmenting.presize(recipe), ToTensor()],
        after_batch=[
            IntToFloatTensor(),
            *augmenting.batch_transforms(recipe),
            *normalising.transforms(statistics),
        ],
        path=path,
    )
