"""From what heads say to a row an item: the loss of its label, and what it should be instead."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.domain import labellers
from core.engine.audit.heads import Lesson, Said

Values = NDArray[np.float32]


def table(said: Said, lesson: Lesson, names: tuple[str, ...]) -> pd.DataFrame:
    """Give oof_loss, pred, p_label and p_pred of each item; NaN and None: it was not judged.

    Of several labels the one that is hardest to believe counts, there or missing: `pred` is the
    item's labels with that one taken away or added, where this is the likelier.
    """
    losses = losses_of_items(said, lesson)
    is_judged = np.isfinite(losses)
    frame = _several(said, lesson, names) if lesson.multi else _one(said, lesson, names)
    frame.insert(0, "oof_loss", losses)
    frame["pred"] = frame["pred"].where(is_judged, None)
    frame.loc[~is_judged, ["p_label", "p_pred"]] = np.nan
    return frame


def losses_of_items(said: Said, lesson: Lesson) -> Values:
    """Give the loss of each item's label, or of the label that is hardest to believe; or NaN."""
    found = said.loss[np.arange(len(said.loss)), _cells(said, lesson)]
    losses: Values = np.where(lesson.judges.any(axis=0), found, np.nan).astype(np.float32)
    return losses


def _cells(said: Said, lesson: Lesson) -> NDArray[np.intp]:
    """Give the class of each item that counts: its label, or of several the worst one."""
    if not lesson.multi:
        return lesson.targets.argmax(axis=1)
    taught = (lesson.weights > 0).astype(np.float32) @ lesson.targets > 0  # (folds, classes)
    known = taught.all(axis=0)  # what a fold has never seen is no surprise to it
    return np.where(known, np.nan_to_num(said.loss), -1.0).argmax(axis=1)


def _one(said: Said, lesson: Lesson, names: tuple[str, ...]) -> pd.DataFrame:
    rows = np.arange(len(said.loss))
    best = np.nan_to_num(said.probability).argmax(axis=1)
    return pd.DataFrame(
        {
            "pred": np.array(names, dtype=object)[best],
            "p_label": said.probability[rows, _cells(said, lesson)],
            "p_pred": said.probability[rows, best],
        }
    )


def _several(said: Said, lesson: Lesson, names: tuple[str, ...]) -> pd.DataFrame:
    rows, cells = np.arange(len(said.loss)), _cells(said, lesson)
    given = lesson.targets[rows, cells] > 0
    there = said.probability[rows, cells]
    p_label = np.where(given, there, 1 - there)
    changed = lesson.targets > 0
    changed[rows, cells] ^= p_label < 0.5
    preds = [labellers.join(np.array(names, dtype=object)[np.flatnonzero(row)]) for row in changed]
    return pd.DataFrame(
        {
            "pred": pd.Series(preds, dtype=object),
            "p_label": p_label,
            "p_pred": np.maximum(p_label, 1 - p_label),
        }
    )
