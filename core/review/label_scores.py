"""Metrics of several labels an image, as scikit-learn defines them; what is undefined is 0."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.review.predictions import LabelPredictions

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""0.05 to 0.95: from almost all labels to almost none."""


def overall(found: LabelPredictions) -> dict[str, float]:
    """Give accuracy_multi, exact_match, F1 and F2 of samples and macro, and valid_loss.

    `accuracy_multi` is the share of all pairs of item and class that are right (fastai's),
    `exact_match` the share of items whose labels are all right. F of samples is the mean over the
    items, macro the mean over the classes.
    """
    label, pred = found.label, found.pred
    return {
        **{name: float(values.mean()) for name, values in by_image(found).items()},
        "f1_macro_multi": float(_along(label, pred, axis=0, beta=1).mean()),
        "f2_macro_multi": float(_along(label, pred, axis=0, beta=2).mean()),
    }


def by_image(found: LabelPredictions) -> dict[str, np.ndarray]:
    """Give those of them that are means over items as the items' own values, shape (items,)."""
    label, pred = found.label, found.pred
    return {
        **_of_samples(label, pred),
        "exact_match": (label == pred).all(axis=1).astype(float),
        "valid_loss": found.loss,
    }


def per_label(found: LabelPredictions) -> pd.DataFrame:
    """Give label, precision, recall, f1, f2, n_valid, n_predicted, a class a row."""
    hits, n_valid, n_predicted = _counts(found.label, found.pred, axis=0)
    columns = {
        "label": found.classes,
        "precision": hits / np.maximum(n_predicted, 1),
        "recall": hits / np.maximum(n_valid, 1),
        "f1": f_beta(hits, n_valid, n_predicted, beta=1),
        "f2": f_beta(hits, n_valid, n_predicted, beta=2),
        "n_valid": n_valid,
        "n_predicted": n_predicted,
    }
    return pd.DataFrame(columns)


def by_threshold(
    found: LabelPredictions, thresholds: Sequence[float] = THRESHOLDS
) -> pd.DataFrame:
    """Give threshold, accuracy_multi, f1_samples, f2_samples, a threshold a row.

    A threshold that was chosen on valid fits valid: its score there flatters the model a little.
    """
    rows = []
    for one in thresholds:
        values = _of_samples(found.label, found.at(one).pred)
        rows.append({"threshold": one, **{name: own.mean() for name, own in values.items()}})
    return pd.DataFrame(rows)


def f_beta(
    hits: np.ndarray, n_label: np.ndarray, n_pred: np.ndarray, *, beta: float
) -> np.ndarray:
    """Weigh recall `beta` times as much as precision; 0 where neither label nor pred is there."""
    weight = beta**2
    whole = weight * n_label + n_pred
    zero = np.zeros(len(whole))
    return np.asarray(np.divide((1 + weight) * hits, whole, out=zero, where=whole > 0))


def _of_samples(label: np.ndarray, pred: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "accuracy_multi": (label == pred).mean(axis=1),
        "f1_samples": _along(label, pred, axis=1, beta=1),
        "f2_samples": _along(label, pred, axis=1, beta=2),
    }


def _along(label: np.ndarray, pred: np.ndarray, *, axis: int, beta: float) -> np.ndarray:
    return f_beta(*_counts(label, pred, axis=axis), beta=beta)


def _counts(
    label: np.ndarray, pred: np.ndarray, *, axis: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count what is both label and pred, labels, and preds along an axis."""
    return (label & pred).sum(axis=axis), label.sum(axis=axis), pred.sum(axis=axis)
