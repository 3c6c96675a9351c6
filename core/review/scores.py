"""Metrics from stored predictions: of the whole, and a class at a time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.review import confusion, label_scores
from core.review.predictions import Found, LabelPredictions, Predictions

TOP_K = 5


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a model with a sigmoid a class says where *none of these* is an answer, too."""

    share: float  # of the items that are given a class
    accuracy: float | None  # of these; None where there is none
    none_of_these: tuple[int, ...]  # ids of the others, the most probable first


def overall(found: Found) -> dict[str, float]:
    """Give the metrics of all items by name, as `core.domain.recipes.measures` names them.

    Of one label an image: accuracy, error_rate, valid_loss, and top_5_accuracy where there are
    more classes. Of several see `label_scores.overall`. Without items there is nothing to measure.
    """
    if len(found.item_id) == 0:
        return {}
    if isinstance(found, LabelPredictions):
        return label_scores.overall(found)
    return {name: float(values.mean()) for name, values in by_image(found).items()}


def by_image(found: Found) -> dict[str, np.ndarray]:
    """Give those metrics that are means over items as the items' own values, shape (items,).

    That is all of `overall` but for the F of several labels that are means over the classes.
    """
    if isinstance(found, LabelPredictions):
        return label_scores.by_image(found)
    right = np.asarray(found.pred == found.label, dtype=float)
    values = {"accuracy": right, "error_rate": 1 - right, "valid_loss": found.loss}
    if len(found.classes) > TOP_K:
        values["top_5_accuracy"] = in_top_k(found, TOP_K).astype(float)
    return values


def is_right(found: Found) -> np.ndarray:
    """Say for each item whether its pred is its label; of several labels whether all are."""
    right = np.asarray(found.pred == found.label)
    return right if right.ndim == 1 else np.asarray(right.all(axis=1))


def in_top_k(found: Predictions, k: int) -> np.ndarray:
    """Say for each item whether its label is among the k most probable classes; shape (items,)."""
    own = found.probability[np.arange(len(found.label)), found.label]
    better: np.ndarray = (found.probability > own[:, None]).sum(axis=1)
    return better < k


def answered(found: Predictions, threshold: float) -> Answered:
    """Count an item as *none of these* where no class has a probability above the threshold."""
    highest = found.probability.max(axis=1)
    is_given = highest > threshold
    right = is_right(found)[is_given]
    order = np.argsort(-highest, kind="stable")
    return Answered(
        share=float(is_given.mean()),
        accuracy=float(right.mean()) if len(right) else None,
        none_of_these=tuple(int(item) for item in found.item_id[order[~is_given[order]]]),
    )


def per_class(found: Found) -> pd.DataFrame:
    """Give precision, recall, F1 and number of valid images a class, as scikit-learn defines them.

    A class that was never predicted has precision 0, one without images recall 0. Of several
    labels there are F2 and n_predicted, too.
    """
    if isinstance(found, LabelPredictions):
        return label_scores.per_label(found)
    matrix = confusion.matrix(found)
    hits = np.diag(matrix).astype(float)
    n_label, n_pred = matrix.sum(axis=1), matrix.sum(axis=0)
    columns = {
        "label": found.classes,
        "precision": hits / np.maximum(n_pred, 1),
        "recall": hits / np.maximum(n_label, 1),
        "f1": label_scores.f_beta(hits, n_label, n_pred, beta=1),
        "n_valid": n_label,
    }
    return pd.DataFrame(columns)
