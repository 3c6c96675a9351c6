"""The views of the items of a fit: which there are, and their pixels, sixteen at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from fastai.torch_core import set_seed

from core.domain.recipes import Recipe
from core.engine import data
from core.engine.data import TRAIN, Batches
from core.engine.features import entries
from core.engine.features.entries import Entry

N_IMAGES = 16
"""Images that go through a body at once."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A view of an image, and where it is found."""

    entry: Entry
    number: int  # 0: plain
    content_hash: str
    path: str
    position: int  # in the part of its item; augmented views are of train items only


def of_part(images: Batches, part: int, recipe: Recipe) -> list[tuple[View, ...]]:
    """List the views of each item of a part: those of the recipe for train, one for valid."""
    contents, paths = (images.items[part][name].tolist() for name in ("content_hash", "path"))
    n_views = recipe.feature_views if part == TRAIN else 1
    return [
        tuple(
            View(
                entry=entries.entry(content, number, recipe),
                number=number,
                content_hash=content,
                path=path,
                position=position,
            )
            for number in range(n_views)
        )
        for position, (content, path) in enumerate(zip(contents, paths, strict=True))
    ]


def pixels(
    images: Batches, views: Sequence[View], *, n_workers: int
) -> Iterator[tuple[list[Entry], torch.Tensor]]:
    """Read the plain views, then the others: their names, and a batch as the network sees it."""
    plain = [view for view in views if view.number == 0]
    if plain:
        yield from _plain(images, plain, n_workers)
    for some in _chunks([view for view in views if view.number > 0]):
        yield _names(some), _untyped(torch.cat([_varied(images, view) for view in some]))


def _plain(
    images: Batches, views: list[View], n_workers: int
) -> Iterator[tuple[list[Entry], torch.Tensor]]:
    """Read as fastai reads images that it predicts: with the transforms of valid."""
    loader = images.dls.test_dl(
        [view.path for view in views], rm_type_tfms=0, bs=N_IMAGES, num_workers=n_workers
    )
    for some, (batch,) in zip(_chunks(views), loader, strict=True):
        yield _names(some), _untyped(batch)


def _varied(images: Batches, view: View) -> torch.Tensor:
    """Augment one image alone, so that nothing but its own seed decides how."""
    loader = images.dls.train
    set_seed(entries.seed(view.content_hash, view.number))
    loader.before_iter()  # the item, too, is cut as in training
    return data.stack(loader, [loader.do_item(view.position)])[0]


def _chunks(views: list[View]) -> Iterator[list[View]]:
    for start in range(0, len(views), N_IMAGES):
        yield views[start : start + N_IMAGES]


def _names(views: list[View]) -> list[Entry]:
    return [view.entry for view in views]


def _untyped(batch: torch.Tensor) -> torch.Tensor:
    return batch.as_subclass(torch.Tensor)
