"""What a fit sees of each item on the way: train losses batch by batch, and the last valid pass.

Both are read off predictions that the fit makes anyway; nothing is computed twice, and no
generator is touched. An item is compared with its own label, whatever mixup makes of the targets.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.callback.core import Callback
from fastai.callback.mixup import MixHandler

from core.domain import labellers
from core.domain.errors import EngineError
from core.domain.recipes import BinaryCrossEntropy, Loss
from core.engine import losses
from core.engine.data import TRAIN, VALID, Batches, batch_ids

TRAIN_COLUMNS = {
    "epoch": int,
    "item_id": int,
    "loss": np.float32,
    "pred": int,
    "p_pred": np.float32,
}


class ItemLosses(Callback):
    """Collect each train item's loss, pred and p_pred in every epoch, before the step.

    Under mixup and cutmix it is the loss of a picture that shows two items, against the label of
    the one.
    """

    order = 60
    run_valid = False

    def __init__(
        self,
        batches: Batches,
        *,
        first_epoch: int,
        loss: Loss = losses.USUAL,
        multi: bool = False,
    ) -> None:
        super().__init__()
        self.parts: list[dict[str, Any]] = []
        self._ids = batches.item_ids[TRAIN]
        self._labels = _Labels(batches, TRAIN, loss, multi=multi)
        self._recipe_loss = loss
        self._first_epoch = first_epoch

    def after_loss(self) -> None:
        """Note the items of the batch."""
        given = self.learn.yb[0]
        ids = batch_ids(self.learn.dl, self._ids, self.learn.iter, len(given))
        targets = self._labels.targets(ids)
        if not (given.is_floating_point() and _mixes(self.learn.cbs)):
            _check(targets, given)
        plain, probabilities = losses.per_item(self.learn.pred, targets, self._recipe_loss)
        p_pred, pred = probabilities.max(dim=1)
        self.parts.append(
            {
                "epoch": np.full(len(ids), self._first_epoch + self.learn.epoch),
                "item_id": ids,
                "loss": plain.cpu().numpy(),
                "pred": pred.cpu().numpy(),
                "p_pred": p_pred.cpu().numpy(),
            }
        )


class Predictions(Callback):
    """Keep the probabilities and losses of the last pass over valid.

    `threshold` is None where the most probable class is the pred; else all above it are.
    """

    order = 60
    run_train = False

    def __init__(
        self, batches: Batches, *, loss: Loss = losses.USUAL, multi: bool = False
    ) -> None:
        super().__init__()
        self.parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._labels = _Labels(batches, VALID, loss, multi=multi)
        self._ids = batches.item_ids[VALID]
        self._recipe_loss = loss
        self.threshold: float | None = None
        if multi and isinstance(loss, BinaryCrossEntropy):
            self.threshold = loss.threshold

    def before_validate(self) -> None:
        """Forget the pass before."""
        self.parts = []

    def after_loss(self) -> None:
        """Note the items of the batch."""
        given = self.learn.yb[0]
        ids = batch_ids(self.learn.dl, self._ids, self.learn.iter, len(given))
        targets = self._labels.targets(ids)
        _check(targets, given)
        plain, probabilities = losses.per_item(self.learn.pred, targets, self._recipe_loss)
        self.parts.append((plain.cpu().numpy(), probabilities.cpu().numpy()))

    def take(self, probabilities: torch.Tensor) -> None:
        """Note probabilities of all items that were computed elsewhere, as with TTA."""
        clipped = probabilities.detach().float().cpu().clamp(1e-7, 1 - 1e-7)
        is_sigmoid = isinstance(self._recipe_loss, BinaryCrossEntropy)
        scores = clipped.logit() if is_sigmoid else clipped.log()
        targets = self._labels.targets(self._ids)
        plain, _ = losses.per_item(scores, targets, self._recipe_loss)
        self.parts = [(plain.numpy(), probabilities.detach().cpu().numpy())]


def train_table(parts: list[dict[str, Any]]) -> pd.DataFrame:
    """Put the batches together: epoch, item_id, loss, pred (index of the class), p_pred."""
    return pd.DataFrame(
        {name: np.concatenate([part[name] for part in parts]) for name in TRAIN_COLUMNS}
    )


def no_train_table() -> pd.DataFrame:
    """Make the table of a fit that has seen no batch."""
    return pd.DataFrame({name: np.empty(0, kind) for name, kind in TRAIN_COLUMNS.items()})


def valid_table(seen: Predictions, batches: Batches) -> pd.DataFrame:
    """Put the last valid pass together: item_id, label, pred, loss, p_0 … p_n.

    `pred` is a class, or of multi-label data the classes above the threshold, joined as labels
    are; none at all is empty.
    """
    items = batches.items[VALID]
    plain, probabilities = (np.concatenate(each) for each in zip(*seen.parts, strict=True))
    columns = {
        "item_id": items["item_id"].to_numpy(),
        "label": items["label"].to_numpy(),
        "pred": _preds(probabilities, batches.classes, seen.threshold),
        "loss": plain,
    }
    columns |= {f"p_{index}": column for index, column in enumerate(probabilities.T)}
    return pd.DataFrame(columns)


class _Labels:
    """The targets of a part's items, made of their own labels."""

    def __init__(self, batches: Batches, part: int, loss: Loss, *, multi: bool) -> None:
        losses.check(loss, multi=multi)
        index = {name: number for number, name in enumerate(batches.classes)}
        labels = batches.items[part]["label"].tolist()
        self._numbers = {
            item: [index[name] for name in labellers.split(label, multi=multi)]
            for item, label in zip(batches.item_ids[part].tolist(), labels, strict=True)
        }
        self._n_classes = len(batches.classes)
        self._is_one_hot = losses.is_one_hot(loss)

    def targets(self, ids: np.ndarray) -> torch.Tensor:
        """Give class numbers, shape (ids,), or a 0 or 1 for each class, (ids, classes)."""
        numbers = [self._numbers[item] for item in ids.tolist()]
        if not self._is_one_hot:
            return torch.tensor([one for (one,) in numbers])
        found = torch.zeros(len(numbers), self._n_classes)
        for row, mine in enumerate(numbers):
            found[row, mine] = 1.0
        return found


def _preds(
    probabilities: np.ndarray, classes: tuple[str, ...], threshold: float | None
) -> np.ndarray:
    names = np.array(classes, dtype=object)
    if threshold is None:
        return names[probabilities.argmax(axis=1)]
    joined = [labellers.join(names[row > threshold]) for row in probabilities]
    return np.array(joined, dtype=object)


def _mixes(callbacks: list[Callback]) -> bool:
    """Say whether a fit blends targets that are a 0 or 1 for each class."""
    return any(isinstance(each, MixHandler) for each in callbacks)


def _check(own: torch.Tensor, given: torch.Tensor) -> None:
    if own.tolist() != given.tolist():
        raise EngineError(
            "The labels of a batch are not those of its items, so losses by item would be wrong.",
            hint="This is an error of Winnow's own: please report it with the log.",
        )
