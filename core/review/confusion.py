"""Which class is taken for which: the confusion matrix and its largest cells."""

from dataclasses import dataclass

import numpy as np

from core.review.predictions import Predictions


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """A pair of classes that the model confuses, as fastai's `most_confused`."""

    label: str
    pred: str
    count: int


def matrix(found: Predictions) -> np.ndarray:
    """Count the items; shape (classes, classes), the label down and the pred across."""
    n = len(found.classes)
    return np.bincount(found.label * n + found.pred, minlength=n * n).reshape(n, n)


def most_confused(found: Predictions, *, min_count: int = 1) -> list[Confusion]:
    """List the cells off the diagonal with at least `min_count` items, largest first."""
    counts = matrix(found)
    np.fill_diagonal(counts, 0)
    rows, columns = np.nonzero(counts >= max(1, min_count))
    cells = [
        Confusion(
            label=found.classes[row], pred=found.classes[column], count=int(counts[row, column])
        )
        for row, column in zip(rows, columns, strict=True)
    ]
    return sorted(cells, key=lambda cell: -cell.count)


def cell_items(found: Predictions, *, label: str, pred: str) -> list[int]:
    """List the ids of a cell's items, highest loss first."""
    inside = (found.label == found.classes.index(label)) & (
        found.pred == found.classes.index(pred)
    )
    order = np.argsort(-found.loss[inside], kind="stable")
    return [int(item) for item in found.item_id[inside][order]]
