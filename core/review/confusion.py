"""Which class is taken for which: the confusion matrix and its largest cells."""

from dataclasses import dataclass

import numpy as np

from core.review.predictions import Found, LabelPredictions


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """A pair of classes that the model confuses, as fastai's `most_confused`.

    Of several labels an image `label` is one that was missed, `pred` one that was wrongly given.
    """

    label: str
    pred: str
    count: int


def matrix(found: Found) -> np.ndarray:
    """Count the items; shape (classes, classes), the label down and the pred across.

    Of several labels an image a cell counts the items that miss the one and are wrongly given the
    other: an item counts once for each such pair, and the diagonal is empty.
    """
    n = len(found.classes)
    if isinstance(found, LabelPredictions):
        missed, wrong = _missed(found), _wrongly_given(found)
        both = missed.T.astype(np.float32) @ wrong.astype(np.float32)  # exact up to 2**24 items
        return np.asarray(both.astype(int))
    return np.bincount(found.label * n + found.pred, minlength=n * n).reshape(n, n)


def most_confused(found: Found, *, min_count: int = 1) -> list[Confusion]:
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


def cell_items(found: Found, *, label: str, pred: str) -> list[int]:
    """List the ids of a cell's items, highest loss first."""
    row, column = found.classes.index(label), found.classes.index(pred)
    if isinstance(found, LabelPredictions):
        inside = _missed(found)[:, row] & _wrongly_given(found)[:, column]
    else:
        inside = (found.label == row) & (found.pred == column)
    return _worst_first(found, inside)


def missed_items(found: LabelPredictions, label: str) -> list[int]:
    """List the ids of the items that have a label and were not given it, highest loss first."""
    return _worst_first(found, _missed(found)[:, found.classes.index(label)])


def wrongly_given_items(found: LabelPredictions, label: str) -> list[int]:
    """List the ids of the items that were given a label they do not have, highest loss first."""
    return _worst_first(found, _wrongly_given(found)[:, found.classes.index(label)])


def _missed(found: LabelPredictions) -> np.ndarray:
    return np.asarray(found.label & ~found.pred)


def _wrongly_given(found: LabelPredictions) -> np.ndarray:
    return np.asarray(found.pred & ~found.label)


def _worst_first(found: Found, inside: np.ndarray) -> list[int]:
    order = np.argsort(-found.loss[inside], kind="stable")
    return [int(item) for item in found.item_id[inside][order]]
