"""The tables of a predict task, written one after the other, so that they are read meanwhile."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.store import files, frames

FIRST_SECONDS = 1.0
SHARE = 0.02
"""A table is due after a second, later after this share of the time so far: a few hundred."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One image file with what is known of it, before it is predicted or in place of it."""

    path: str  # below the folder, with forward slashes
    label: str | None  # the class that its folder is named after
    content_hash: str | None
    reason: str | None = None  # why it cannot be predicted, in words that follow its name


class Parts:
    """Collects predictions, and writes those that have come as soon as a table is due."""

    def __init__(self, task_id: str, classes: Sequence[str]) -> None:
        self.n_predicted = self.n_broken = 0
        self._task_id, self._classes = task_id, tuple(classes)
        self._waiting: list[pd.DataFrame] = []
        self._n_written = 0
        self._began = self._wrote = time.monotonic()

    def add(self, seen: Sequence[Looked], probabilities: np.ndarray) -> None:
        """Take predicted images; probabilities of shape (images, classes)."""
        if seen:
            self.n_predicted += len(seen)
            self._waiting.append(_table(seen, probabilities, self._classes))

    def add_broken(self, seen: Sequence[Looked]) -> None:
        """Take files that cannot be predicted, each with its reason."""
        if seen:
            self.n_broken += len(seen)
            nothing = np.full((len(seen), len(self._classes)), np.nan, dtype=np.float32)
            self._waiting.append(_table(seen, nothing, self._classes))

    def write_if_due(self) -> None:
        """Write what has come, unless the last table is too young."""
        now = time.monotonic()
        if now - self._wrote > max(FIRST_SECONDS, SHARE * (now - self._began)):
            self.write()

    def write(self) -> None:
        """Write what has come and is not written yet."""
        if self._waiting:
            frame = pd.concat(self._waiting, ignore_index=True)
            frames.save(files.prediction_part(self._task_id, self._n_written), frame)
            self._n_written += 1
            self._waiting = []
        self._wrote = time.monotonic()


def _table(
    seen: Sequence[Looked], probabilities: np.ndarray, classes: tuple[str, ...]
) -> pd.DataFrame:
    """Make path, label, content_hash, reason, pred, p_pred, label_rank (from 0), p_0 … p_n."""
    read = np.array([one.reason is None for one in seen])
    best = np.where(read, np.nan_to_num(probabilities).argmax(axis=1), 0)
    pred = [classes[at] if known else None for at, known in zip(best, read, strict=True)]
    text = {
        "path": [one.path for one in seen],
        "label": [one.label for one in seen],
        "content_hash": [one.content_hash for one in seen],
        "reason": [one.reason for one in seen],
        "pred": pred,
    }
    columns = {name: pd.array(values, dtype="string") for name, values in text.items()}
    values = probabilities.astype(np.float32)
    numbers = {
        "p_pred": values[np.arange(len(seen)), best],
        "label_rank": pd.array(_ranks(seen, values, classes), dtype="Int32"),
        **{f"p_{index}": column for index, column in enumerate(values.T)},
    }
    return pd.DataFrame({**columns, **numbers})


def _ranks(
    seen: Sequence[Looked], probabilities: np.ndarray, classes: tuple[str, ...]
) -> list[int | None]:
    """Count for each labelled image the classes that are likelier than its own."""
    index = {name: at for at, name in enumerate(classes)}
    return [
        None
        if one.label is None or one.reason is not None
        else int((row > row[index[one.label]]).sum())
        for one, row in zip(seen, probabilities, strict=True)
    ]
