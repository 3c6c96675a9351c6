"""From a table of items to fastai's DataLoaders: batches as the recipe wants them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.data.core import DataLoaders, Datasets, TfmdDL
from fastai.data.transforms import Categorize, IntToFloatTensor, Normalize, ToTensor
from fastai.torch_core import to_device
from fastai.vision.augment import AffineCoordTfm, PadMode, Resize, aug_transforms
from fastai.vision.core import PILImage, imagenet_stats

from core.datasets import images
from core.domain.errors import UnreadableImageError
from core.domain.recipes import Augmentation, Recipe

TRAIN, VALID = 0, 1
"""The positions of the loaders, as fastai counts them."""

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
        except (ValueError, TypeError, OSError, ZeroDivisionError) as error:
            raise UnreadableImageError(
                f"{self.dataset.items[s or 0]} could not be made into a training image: {error}.",
                hint=IMAGE_HINT,
            ) from error


def batches(
    frame: pd.DataFrame, root: Path, recipe: Recipe, *, path: Path, n_workers: int | None = None
) -> Batches:
    """Make the loaders of train and valid from items in order of their paths.

    `frame` has the columns item_id, path, label and part. `path` is where fastai may write.
    """
    paths = frame["path"].tolist()
    label_of = dict(zip(paths, frame["label"].tolist(), strict=True))
    parts = frame["part"].to_numpy()
    splits = [np.flatnonzero(parts == part).tolist() for part in ("train", "valid")]
    classes = sorted(set(label_of.values()))
    datasets = Datasets(
        paths,
        tfms=[[_reader(root)], [_label_reader(label_of), Categorize(vocab=classes)]],
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
        classes=tuple(classes),
        items=tables,
        item_ids=(tables[TRAIN]["item_id"].to_numpy(), tables[VALID]["item_id"].to_numpy()),
    )


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


def _reader(root: Path) -> Callable[[str], PILImage]:
    def read(path: str) -> PILImage:
        return PILImage(images.load(root / path))

    return read


def _label_reader(label_of: dict[str, str]) -> Callable[[str], str]:
    def read(path: str) -> str:  # fastai wants a function whose signature can be read
        return label_of[path]

    return read
