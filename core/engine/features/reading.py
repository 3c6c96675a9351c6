"""The pass through the body: the activations that are cached, and those that still are not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from core.domain.recipes import Recipe
from core.engine.data import TRAIN, VALID, Batches
from core.engine.features import entries, shards, views
from core.engine.features.entries import Entry
from core.engine.features.views import N_IMAGES, View
from core.engine.job import Job
from core.engine.reporting import Clock

N_A_SHARD = 512
"""What a process that is killed loses, at most, in images."""

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True, kw_only=True)
class Found:
    """The activations of all views, and the views of each item in the order of the items."""

    rows: dict[Entry, np.ndarray]  # float32, shape (channels,)
    train: list[tuple[View, ...]]
    valid: list[tuple[View, ...]]


def read(body: nn.Sequential, images: Batches, recipe: Recipe, job: Job) -> Found | None:
    """Give the activations of all images, computing those that are not cached yet.

    The recipe has the sizes of the stage. None where somebody asked to stop. The global random
    states are not kept. Raises UnreadableImageError and StoreError.
    """
    train, valid = (views.of_part(images, part, recipe) for part in (TRAIN, VALID))
    wanted = {view.entry: view for item in [*train, *valid] for view in item}
    device = images.dls.device
    key = entries.key(body, recipe, images.statistics, device=device.type)
    rows = shards.load(key, wanted)
    missing = [view for entry, view in wanted.items() if entry not in rows]
    if missing:
        body.to(device).eval()
        shelf = _Shelf(key, rows, n_total=len(wanted))
        batches = views.pixels(images, missing, n_workers=recipe.n_workers)
        computed = ((names, activations(body, each, recipe)) for names, each in batches)
        if not _fill(shelf, computed, job):
            return None
    return Found(rows=rows, train=train, valid=valid)


def activations(body: nn.Module, pixels: torch.Tensor, recipe: Recipe) -> np.ndarray:
    """Put at most 16 images through a body, without gradients: float32, (images, channels).

    Fewer are filled up to 16: the shape of a batch moves the last bits (7e-6 in squeezenet1_0),
    and else an image's activations would depend on how many others were missing.
    """
    n_images = len(pixels)
    filling = pixels[-1:].expand(N_IMAGES - n_images, -1, -1, -1)
    full = torch.cat([pixels, filling])
    full = full.contiguous(memory_format=MEMORY_FORMATS[recipe.memory_format])
    is_mixed = recipe.precision != "fp32"
    mixed = torch.autocast(full.device.type, DTYPES[recipe.precision], enabled=is_mixed)
    with torch.no_grad(), mixed:
        found: np.ndarray = body(full)[:n_images].float().cpu().numpy()
    return found


class _Shelf:
    """Rows on their way into memory, and a shard at a time onto the disk."""

    def __init__(self, key: str, rows: dict[Entry, np.ndarray], *, n_total: int) -> None:
        self.rows, self.n_total = rows, n_total
        self._key = key
        self._new: list[Entry] = []

    def add(self, names: Sequence[Entry], rows: np.ndarray) -> None:
        """Take the rows of a batch."""
        self.rows.update(zip(names, rows, strict=True))
        self._new.extend(names)
        if len(self._new) >= N_A_SHARD:
            self.save()

    def save(self) -> None:
        """Write what is not on the disk yet."""
        if self._new:
            shards.save(self._key, self._new, np.stack([self.rows[name] for name in self._new]))
            self._new = []


def _fill(shelf: _Shelf, computed: Iterable[tuple[Sequence[Entry], np.ndarray]], job: Job) -> bool:
    """Put batch after batch onto the shelf; False where somebody asked to stop."""
    clock = Clock()
    clock.start()
    try:
        for names, rows in computed:
            shelf.add(names, rows)
            clock.tick()
            job.report(**_progress(len(shelf.rows), shelf.n_total, clock.seconds or 0.0))
            if job.should_stop():
                return False
    finally:  # what was computed stays, also where an image was broken
        shelf.save()
    return True


def _progress(n_done: int, n_total: int, seconds: float) -> dict[str, object]:
    return {  # not `progress_done`, which counts the batches of the run or range test around it
        "remaining_seconds": (n_total - n_done) / N_IMAGES * seconds,
        "message": f"reading the body's features, {n_done:,} of {n_total:,}",
    }
