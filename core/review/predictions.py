"""The stored predictions of a run on its validation images: of one label an image, or several."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.domain import labellers
from core.domain.errors import NotFoundError
from core.domain.recipes import BinaryCrossEntropy
from core.store import files, frames

SMALLEST = 1e-12
SMALLEST_SIGMOID = 1e-7  # a sigmoid in fp32 reaches 1 soon: losses from probabilities end at 16


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Probabilities of shape (items, classes) beside item ids, labels and preds of shape (items,).

    `label`, `pred` are indices into `classes`; `loss` is the cross-entropy of each item. They are
    in the order of the items' paths. Where the model gives each class a sigmoid of its own there
    is a `threshold`, the probabilities do not add up to 1, and `loss` is the mean binary
    cross-entropy of the classes.
    """

    classes: tuple[str, ...]
    item_id: np.ndarray
    label: np.ndarray
    pred: np.ndarray
    loss: np.ndarray
    probability: np.ndarray
    threshold: float | None = None

    def take(self, positions: np.ndarray, label: np.ndarray) -> "Predictions":
        """Give the items at some positions with other labels, and the losses these make."""
        probability = self.probability[positions]
        if self.threshold is None:
            chosen = probability[np.arange(len(label)), label]
            loss = -np.log(np.clip(chosen, SMALLEST, None))
        else:
            loss = binary_cross_entropy(probability, np.eye(len(self.classes))[label])
        return replace(
            self,
            item_id=self.item_id[positions],
            label=label,
            pred=self.pred[positions],
            loss=loss,
            probability=probability,
        )


@dataclass(frozen=True, kw_only=True)
class LabelPredictions:
    """Labels and probabilities of shape (items, classes) beside item ids and losses, (items,).

    `label` says which classes an item has; `loss` is the mean binary cross-entropy of the classes.
    A class counts as predicted where its probability is above the threshold.
    """

    classes: tuple[str, ...]
    item_id: np.ndarray
    label: np.ndarray
    loss: np.ndarray
    probability: np.ndarray
    threshold: float

    @property
    def pred(self) -> np.ndarray:
        """Say which classes are predicted; shape (items, classes)."""
        return np.asarray(self.probability > self.threshold)

    def at(self, threshold: float) -> "LabelPredictions":
        """Give the same predictions with another threshold."""
        return replace(self, threshold=threshold)

    def take(self, positions: np.ndarray, label: np.ndarray) -> "LabelPredictions":
        """Give the items at some positions with other labels, and the losses these make."""
        probability = self.probability[positions]
        return replace(
            self,
            item_id=self.item_id[positions],
            label=label,
            loss=binary_cross_entropy(probability, label),
            probability=probability,
        )


Found = Predictions | LabelPredictions


def exist(run_id: str) -> bool:
    """Say whether a run has left predictions."""
    return files.run_predictions(run_id).exists() and files.run_model(run_id).exists()


def has_tta(run_id: str) -> bool:
    """Say whether a run has left predictions with test-time augmentation, too."""
    return exist(run_id) and files.run_tta_predictions(run_id).exists()


def classes(run_id: str) -> tuple[str, ...]:
    """Give the ordered classes of a run's model."""
    return tuple(files.load_json(files.run_model(run_id))["classes"])


def load(run_id: str, *, tta: bool = False) -> Found:
    """Read a run's predictions on valid, or with `tta` those with test-time augmentation.

    Raises NotFoundError where the run has left none.
    """
    path = _path(run_id, tta=tta)
    frame, facts = frames.load(path), files.load_json(files.run_model(run_id))
    names = tuple(facts["classes"])
    item_id, loss = frame["item_id"].to_numpy(), frame["loss"].to_numpy()
    probability = frame[[f"p_{index}" for index in range(len(names))]].to_numpy()
    threshold = threshold_of(facts)
    if facts.get("multi", False):
        return LabelPredictions(
            classes=names,
            item_id=item_id,
            label=label_matrix(frame["label"].tolist(), names),
            loss=loss,
            probability=probability,
            threshold=BinaryCrossEntropy().threshold if threshold is None else threshold,
        )
    index = {name: number for number, name in enumerate(names)}
    return Predictions(
        classes=names,
        item_id=item_id,
        label=frame["label"].map(index).to_numpy(dtype=int),
        pred=frame["pred"].map(index).to_numpy(dtype=int),
        loss=loss,
        probability=probability,
        threshold=threshold,
    )


def load_items(run_id: str) -> pd.DataFrame:
    """Read what the run was made of: item_id, path, label, part, content_hash."""
    return frames.load(files.run_items(run_id))


def positions(found: Found, item_ids: Sequence[int]) -> np.ndarray:
    """Find items that have predictions by their ids; shape (item_ids,)."""
    order = np.argsort(found.item_id, kind="stable")
    return np.asarray(order[np.searchsorted(found.item_id, item_ids, sorter=order)])


def label_matrix(labels: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Say of each item which of some classes its joined labels name; shape (items, classes)."""
    index = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(labels), len(names)), dtype=bool)
    for row, label in enumerate(labels):
        own = (index.get(name) for name in labellers.split(label, multi=True))
        matrix[row, [number for number in own if number is not None]] = True
    return matrix


def joined(chosen: np.ndarray, names: Sequence[str]) -> str:
    """Write an item's row of a matrix of labels or preds as the store does; none is empty."""
    return labellers.join(names[index] for index in np.flatnonzero(chosen).tolist())


def binary_cross_entropy(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Give each item's mean over the classes; both of shape (items, classes)."""
    p = np.clip(probability.astype(np.float64), SMALLEST_SIGMOID, 1 - SMALLEST_SIGMOID)
    return np.asarray(-np.where(label, np.log(p), np.log1p(-p)).mean(axis=1))


def _path(run_id: str, *, tta: bool) -> Path:
    if not exist(run_id):
        raise NotFoundError(
            "This run has left no predictions.",
            hint="Only a run that finished or was stopped can be interpreted; see its log.",
        )
    if not tta:
        return files.run_predictions(run_id)
    if not has_tta(run_id):
        raise NotFoundError(
            "This run has left no predictions with test-time augmentation.",
            hint="Turn it on in the recipe before training, or use the Predict page.",
        )
    return files.run_tta_predictions(run_id)


def threshold_of(facts: dict[str, object]) -> float | None:
    """Read the threshold of a model with a sigmoid a class; older runs wrote no recipe."""
    recipe = facts.get("recipe")
    loss = recipe.get("loss", {}) if isinstance(recipe, dict) else {}
    return loss.get("threshold")
