"""The map of a dataset: a point an image, so that like lies beside like."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

N_AXES = 50
MOST_FITTED = 5000
"""Of more items an even sample is laid out, and the others lie where their nearest of it do."""
N_PLACED_BY = 3
PERPLEXITY = 30.0
N_STEPS = 500
FEWEST = 10
"""Of fewer items the two principal axes are the map."""
SEED = 0
BLOCK_ITEMS = 2048

Values = NDArray[np.float32]


def table(item_ids: NDArray[np.int_], features: Values) -> pd.DataFrame:
    """Lay out items by their features, rows of length 1: item_id, x, y. Always the same map."""
    points = layout(features)
    return pd.DataFrame({"item_id": item_ids, "x": points[:, 0], "y": points[:, 1]})


def layout(features: Values) -> Values:
    """Give a point an item, float32 of shape (items, 2)."""
    n_items = len(features)
    if n_items < 3:
        return np.stack([np.arange(n_items), np.zeros(n_items)], axis=1).astype(np.float32)
    n_axes = min(N_AXES, *features.shape)
    turned = PCA(n_axes, random_state=SEED).fit_transform(features).astype(np.float32)
    if n_items < FEWEST:
        return turned[:, :2]
    if n_items <= MOST_FITTED:
        return _fitted(turned)
    chosen = np.linspace(0, n_items - 1, MOST_FITTED).astype(np.intp)
    return _placed(turned, chosen, _fitted(turned[chosen]))


def _fitted(turned: Values) -> Values:
    """Lay out by t-SNE (van der Maaten and Hinton 2008) from the principal axes."""
    perplexity = min(PERPLEXITY, (len(turned) - 1) / 3)
    laid = TSNE(perplexity=perplexity, init="pca", max_iter=N_STEPS, random_state=SEED, n_jobs=1)
    points: Values = laid.fit_transform(turned).astype(np.float32)
    return points


def _placed(turned: Values, chosen: NDArray[np.intp], points: Values) -> Values:
    """Put each item between the nearest of those that were chosen, the nearer the closer."""
    placed = np.empty((len(turned), 2), dtype=np.float32)
    sample = turned[chosen]
    squares = np.square(sample).sum(axis=1)
    for start in range(0, len(turned), BLOCK_ITEMS):
        block = turned[start : start + BLOCK_ITEMS]
        apart = squares - 2 * block @ sample.T + np.square(block).sum(axis=1, keepdims=True)
        near = np.argpartition(apart, N_PLACED_BY, axis=1)[:, :N_PLACED_BY]
        weight = 1 / np.maximum(np.take_along_axis(apart, near, axis=1), 1e-9)
        weight /= weight.sum(axis=1, keepdims=True)
        placed[start : start + BLOCK_ITEMS] = (points[near] * weight[..., None]).sum(axis=1)
    placed[chosen] = points
    return placed
