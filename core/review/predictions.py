"""The stored predictions of a run on its validation images."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.domain.errors import NotFoundError
from core.store import files, frames


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Probabilities of shape (items, classes) beside item ids, labels and preds of shape (items,).

    `label`, `pred` are indices into `classes`; `loss` is the cross-entropy of each item. They are
    in the order of the items' paths.
    """

    classes: tuple[str, ...]
    item_id: np.ndarray
    label: np.ndarray
    pred: np.ndarray
    loss: np.ndarray
    probability: np.ndarray

    def take(self, positions: np.ndarray, label: np.ndarray) -> "Predictions":
        """Give the items at some positions with other labels, and the losses these make."""
        probability = self.probability[positions]
        chosen = probability[np.arange(len(label)), label]
        return Predictions(
            classes=self.classes,
            item_id=self.item_id[positions],
            label=label,
            pred=self.pred[positions],
            loss=-np.log(np.clip(chosen, 1e-12, None)),
            probability=probability,
        )


def exist(run_id: str) -> bool:
    """Say whether a run has left predictions."""
    return files.run_predictions(run_id).exists() and files.run_model(run_id).exists()


def classes(run_id: str) -> tuple[str, ...]:
    """Give the ordered classes of a run's model."""
    return tuple(files.load_json(files.run_model(run_id))["classes"])


def load(run_id: str) -> Predictions:
    """Read a run's predictions on valid."""
    if not exist(run_id):
        raise NotFoundError(
            "This run has left no predictions.",
            hint="Only a run that finished or was stopped can be interpreted; see its log.",
        )
    frame = frames.load(files.run_predictions(run_id))
    names = classes(run_id)
    index = {name: number for number, name in enumerate(names)}
    return Predictions(
        classes=names,
        item_id=frame["item_id"].to_numpy(),
        label=frame["label"].map(index).to_numpy(dtype=int),
        pred=frame["pred"].map(index).to_numpy(dtype=int),
        loss=frame["loss"].to_numpy(),
        probability=frame[[f"p_{index}" for index in range(len(names))]].to_numpy(),
    )


def load_items(run_id: str) -> pd.DataFrame:
    """Read what the run was made of: item_id, path, label, part, content_hash."""
    return frames.load(files.run_items(run_id))
