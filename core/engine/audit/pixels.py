"""Features without a network: small versions of the pictures, kept by content."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from core.datasets import images, thumbnails
from core.engine.features import shards
from core.engine.features.reading import N_A_SHARD
from core.engine.job import Job
from core.engine.reporting import Clock

NAME = "pixels"
SIDE_PX = 16
CHANNELS = 3 * SIDE_PX**2
KEY = f"{NAME}-{SIDE_PX}-1"
"""The folder of these features; the number goes up when they would be others."""


def read(items: pd.DataFrame, root: Path, job: Job) -> NDArray[np.float32] | None:
    """Give each item's colours as float32 of shape (items, 768), computing what is not cached.

    None where somebody asked to stop; what was computed stays. Raises UnreadableImageError.
    """
    pairs = zip(items["content_hash"], items["path"], strict=True)
    path_of = {(content, NAME): path for content, path in pairs}
    rows = shards.load(KEY, path_of)
    missing = [entry for entry in path_of if entry not in rows]
    clock = Clock()
    clock.start()
    for start in range(0, len(missing), N_A_SHARD):
        some = missing[start : start + N_A_SHARD]
        found = np.stack([_colours(root / path_of[entry], entry[0]) for entry in some])
        shards.save(KEY, some, found)
        rows.update(zip(some, found, strict=True))
        clock.tick()
        left = (len(missing) - start - len(some)) / N_A_SHARD * (clock.seconds or 0.0)
        job.report(remaining_seconds=left, message=f"reading pixels, {len(rows):,} images")
        if job.should_stop():
            return None
    return np.stack([rows[content, NAME] for content in items["content_hash"]])


def _colours(path: Path, content_hash: str) -> NDArray[np.float32]:
    """Shrink a picture to 16 x 16, from its thumbnail where there is one: values from 0 to 1."""
    kept = thumbnails.find(content_hash)
    picture = images.load(kept or path, at_least_px=2 * SIDE_PX)
    small = picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).reshape(CHANNELS) / np.float32(255)
