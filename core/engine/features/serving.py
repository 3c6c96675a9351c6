"""Batches of activations from memory, in the order in which fastai would serve the images."""

import dataclasses
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from fastai.data.core import DataLoaders, TfmdDL
from fastcore.basics import chunked

from core.engine.data import TRAIN, VALID, Batches
from core.engine.features.entries import Entry
from core.engine.features.reading import Found
from core.engine.features.views import View


class Activations:
    """Items as what the body said of their views, with their targets."""

    n_inp = 1  # for fastai: one input, the rest are targets

    def __init__(self, rows: torch.Tensor, targets: torch.Tensor) -> None:
        """Take rows of shape (items, views, channels), and a target an item."""
        self.rows, self.targets = rows, targets

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.rows[position, 0], self.targets[position]

    def take(
        self, positions: Sequence[int], generator: random.Random
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give a batch; of several views of an item the generator draws one."""
        n_views = self.rows.shape[1]
        chosen = torch.tensor(positions)
        views = [generator.randrange(n_views) if n_views > 1 else 0 for _ in positions]
        return self.rows[chosen, torch.tensor(views)], self.targets[chosen]


class FeatureLoader(TfmdDL):
    """A loader that takes whole batches out of memory: item by item would take most of the time.

    Order, incomplete batches and random numbers are those of any loader of fastai's.
    """

    def create_batches(self, samps: Iterable[int]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Make the batches of a pass from the positions of its items."""
        for positions in chunked(samps, self.bs, drop_last=self.drop_last):
            yield self.dataset.take(positions, self.rng)


def batches(images: Batches, found: Found, *, path: Path) -> Batches:
    """Serve activations instead of images: the same items, targets and batch sizes."""
    served = [
        FeatureLoader(
            Activations(_rows(found.rows, items), _targets(images, part)),
            bs=images.dls[part].bs,
            shuffle=part == TRAIN,
            drop_last=part == TRAIN,
            num_workers=0,
            device=images.dls.device,
        )
        for part, items in ((TRAIN, found.train), (VALID, found.valid))
    ]
    dls = DataLoaders(*served, path=path, device=images.dls.device)
    return dataclasses.replace(images, dls=dls)


def take_generators(dls: DataLoaders, others: DataLoaders) -> None:
    """Have loaders begin where the generators of others are, and leave those alone."""
    for loader, other in zip(dls.loaders, others.loaders, strict=True):
        loader.rng = random.Random()
        loader.rng.setstate(other.rng.getstate())


def _rows(rows: dict[Entry, np.ndarray], items: Sequence[Sequence[View]]) -> torch.Tensor:
    """Put them together: float32, shape (items, views, channels)."""
    found = np.stack([rows[view.entry] for views in items for view in views])
    return torch.from_numpy(found.reshape(len(items), len(items[0]), -1))


def _targets(images: Batches, part: int) -> torch.Tensor:
    """Give the targets as the image loaders give them, encoding each label once."""
    encoded = images.dls[part].dataset.tls[-1]
    labels = images.items[part]["label"].tolist()
    first = {label: position for position, label in reversed(list(enumerate(labels)))}
    known = {
        label: encoded[position].as_subclass(torch.Tensor) for label, position in first.items()
    }
    return torch.stack([known[label] for label in labels])
