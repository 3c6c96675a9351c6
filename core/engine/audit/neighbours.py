"""The nearest images of each, by the angle between their features."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.engine.job import Job

N_NEAREST = 12
BLOCK_ITEMS = 512
"""Rows of the matrix of cosines at a time: 200 MB for 100,000 items."""

Values = NDArray[np.float32]


def table(item_ids: NDArray[np.int_], features: Values, job: Job) -> pd.DataFrame | None:
    """List the nearest of each item: item_id, neighbour_id, similarity; None: asked to stop.

    `features` has rows of length 1; the similarity is the cosine.
    """
    n_items, n_nearest = len(features), min(N_NEAREST, len(features) - 1)
    found: list[pd.DataFrame] = []
    for start in range(0, n_items, BLOCK_ITEMS):
        rows = np.arange(start, min(start + BLOCK_ITEMS, n_items))
        near, cosines = _nearest(features, rows, n_nearest)
        ids = {"item_id": np.repeat(item_ids[rows], n_nearest), "neighbour_id": item_ids[near]}
        found.append(pd.DataFrame({**ids, "similarity": cosines}))
        if job.should_stop():
            return None
    return pd.concat(found, ignore_index=True)


def _nearest(
    features: Values, rows: NDArray[np.intp], n_nearest: int
) -> tuple[NDArray[np.intp], Values]:
    """Give the positions of the nearest of some rows, nearest first, and their cosines: flat."""
    cosines = features[rows] @ features.T
    cosines[np.arange(len(rows)), rows] = -np.inf  # itself is no neighbour
    first = len(features) - n_nearest
    near = np.argpartition(cosines, first - 1, axis=1)[:, first:]
    order = np.argsort(-np.take_along_axis(cosines, near, axis=1), axis=1, kind="stable")
    near = np.take_along_axis(near, order, axis=1)
    return near.ravel(), np.take_along_axis(cosines, near, axis=1).ravel()
