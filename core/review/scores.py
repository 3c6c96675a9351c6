"""Metrics from stored predictions: of the whole, and a class at a time."""

import numpy as np
import pandas as pd

from core.review import confusion
from core.review.predictions import Predictions

TOP_K = 5


def overall(found: Predictions) -> dict[str, float]:
    """Give accuracy, error rate, mean loss, and top-5 accuracy where there are more classes."""
    if len(found.item_id) == 0:
        return {}
    accuracy = float((found.pred == found.label).mean())
    values = {
        "accuracy": accuracy,
        "error_rate": 1 - accuracy,
        "valid_loss": float(found.loss.mean()),
    }
    if len(found.classes) > TOP_K:
        values["top_5_accuracy"] = float(in_top_k(found, TOP_K).mean())
    return values


def in_top_k(found: Predictions, k: int) -> np.ndarray:
    """Say for each item whether its label is among the k most probable classes; shape (items,)."""
    own = found.probability[np.arange(len(found.label)), found.label]
    better: np.ndarray = (found.probability > own[:, None]).sum(axis=1)
    return better < k


def per_class(found: Predictions) -> pd.DataFrame:
    """Give precision, recall, F1 and number of valid images a class, as scikit-learn defines them.

    A class that was never predicted has precision 0, one without images recall 0.
    """
    matrix = confusion.matrix(found)
    hits = np.diag(matrix).astype(float)
    n_label, n_pred = matrix.sum(axis=1), matrix.sum(axis=0)
    precision = hits / np.maximum(n_pred, 1)
    recall = hits / np.maximum(n_label, 1)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    columns = {
        "label": found.classes,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "n_valid": n_label,
    }
    return pd.DataFrame(columns)
