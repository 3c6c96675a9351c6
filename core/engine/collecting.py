"""What a fit sees of each item on the way: train losses batch by batch, and the last valid pass.

Both are read off predictions that the fit makes anyway; nothing is computed twice, and no
generator is touched.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.callback.core import Callback
from torch import nn

from core.domain.errors import EngineError
from core.engine.data import TRAIN, VALID, Batches, batch_ids


class ItemLosses(Callback):
    """Collect each train item's loss, pred and p_pred in every epoch, before the step."""

    order = 60
    run_valid = False

    def __init__(self, batches: Batches, *, first_epoch: int) -> None:
        super().__init__()
        self.parts: list[dict[str, Any]] = []
        self._ids = batches.item_ids[TRAIN]
        self._targets = _targets(batches, TRAIN)
        self._first_epoch = first_epoch

    def after_loss(self) -> None:
        """Note the items of the batch."""
        targets = self.learn.yb[0]
        ids = batch_ids(self.learn.dl, self._ids, self.learn.iter, len(targets))
        losses, probabilities = _per_item(self.learn.pred, targets)
        _check(self._targets, ids, targets)
        p_pred, pred = probabilities.max(dim=1)
        self.parts.append(
            {
                "epoch": np.full(len(ids), self._first_epoch + self.learn.epoch),
                "item_id": ids,
                "loss": losses.cpu().numpy(),
                "pred": pred.cpu().numpy(),
                "p_pred": p_pred.cpu().numpy(),
            }
        )


class Predictions(Callback):
    """Keep the probabilities and losses of the last pass over valid."""

    order = 60
    run_train = False

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._targets = _targets(batches, VALID)
        self._ids = batches.item_ids[VALID]

    def before_validate(self) -> None:
        """Forget the pass before."""
        self.parts = []

    def after_loss(self) -> None:
        """Note the items of the batch."""
        targets = self.learn.yb[0]
        ids = batch_ids(self.learn.dl, self._ids, self.learn.iter, len(targets))
        _check(self._targets, ids, targets)
        losses, probabilities = _per_item(self.learn.pred, targets)
        self.parts.append((losses.cpu().numpy(), probabilities.cpu().numpy()))


def train_table(parts: list[dict[str, Any]]) -> pd.DataFrame:
    """Put the batches together: epoch, item_id, loss, pred (index of the class), p_pred."""
    names = ("epoch", "item_id", "loss", "pred", "p_pred")
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in names})


def valid_table(seen: Predictions, batches: Batches) -> pd.DataFrame:
    """Put the last valid pass together: item_id, label, pred (a class), loss, p_0 … p_n."""
    items = batches.items[VALID]
    losses, probabilities = (np.concatenate(each) for each in zip(*seen.parts, strict=True))
    pred = np.array(batches.classes, dtype=object)[probabilities.argmax(axis=1)]
    columns = {
        "item_id": items["item_id"].to_numpy(),
        "label": items["label"].to_numpy(),
        "pred": pred,
        "loss": losses,
    }
    columns |= {f"p_{index}": column for index, column in enumerate(probabilities.T)}
    return pd.DataFrame(columns)


def _per_item(pred: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scores = pred.detach().float()
    losses = nn.functional.cross_entropy(scores, targets, reduction="none")
    return losses, scores.softmax(dim=1)


def _targets(batches: Batches, part: int) -> dict[int, int]:
    index = {label: position for position, label in enumerate(batches.classes)}
    labels = batches.items[part]["label"]
    return {
        item: index[label]
        for item, label in zip(batches.item_ids[part].tolist(), labels.tolist(), strict=True)
    }


def _check(known: dict[int, int], ids: np.ndarray, targets: torch.Tensor) -> None:
    if [known[item] for item in ids.tolist()] != targets.tolist():
        raise EngineError(
            "The labels of a batch are not those of its items, so losses by item would be wrong.",
            hint="This is an error of Winnow's own: please report it with the log.",
        )
