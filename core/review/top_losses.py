"""The items a model got most wrong: of valid as in fastai, or of train as the fit saw them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.domain import labellers
from core.review import predictions, scores
from core.review.predictions import Found, LabelPredictions, Predictions
from core.store import files, frames

Probable = tuple[str, float]
"""A class with its probability."""


@dataclass(frozen=True, kw_only=True)
class TopLoss:
    """One item with what the model made of it."""

    item_id: int
    label: str  # what it was trained or validated as; several labels joined, none empty
    pred: str  # likewise
    loss: float
    is_right: bool
    probability: float | None  # of the pred; None where it may be several classes
    label_probability: float | None  # of the label; None likewise, or where it is not known
    missed: tuple[Probable, ...] = ()  # of several labels those not given, least probable first
    wrongly_given: tuple[Probable, ...] = ()  # given and none of its, the most probable first


def rank(found: Found, *, only_wrong: bool = False) -> np.ndarray:
    """Give the positions of validation items by the loss of the kept weights, highest first."""
    order = np.argsort(-found.loss, kind="stable")
    return order[~scores.is_right(found)[order]] if only_wrong else order


def of_valid(found: Found, positions: Sequence[int] | None = None) -> list[TopLoss]:
    """Tell of validation items at some positions, or of all by their rank."""
    chosen = rank(found) if positions is None else positions
    if isinstance(found, LabelPredictions):
        return [_of_several(found, int(index)) for index in chosen]
    return [_of_one(found, int(index)) for index in chosen]


def of_train(run_id: str) -> list[TopLoss]:
    """Rank the train items by their training loss, averaged over the epochs but the first.

    A fit sees a mislabelled image as what it is before it memorises it, so the mean over the fit
    ranks mistakes better than the losses of the final weights (AUM, arXiv:2001.10528, rests on the
    same). The pred is the class most often predicted over these epochs, with its mean probability:
    of several labels an image only the most probable one is known.
    """
    return _told_of_train(run_id, _but_the_first)


def hardest(run_id: str) -> list[TopLoss]:
    """Rank the train items by their training loss in the last epoch: what the model still fails.

    What a long fit has memorised, mistakes among it, is not found here.
    """
    return _told_of_train(run_id, _the_last)


def _told_of_train(run_id: str, of_epochs: Callable[[pd.Series], pd.Series]) -> list[TopLoss]:
    if not files.run_train_losses(run_id).exists():
        return []
    facts = files.load_json(files.run_model(run_id))
    multi = bool(facts.get("multi", False))
    is_softmax = predictions.threshold_of(facts) is None
    seen = frames.load(files.run_train_losses(run_id))
    labels = predictions.load_items(run_id).set_index("item_id")["label"]
    return [
        _of_train(
            row,
            str(labels[row.item_id]),
            facts["classes"][row.pred],
            multi=multi,
            is_softmax=is_softmax,
        )
        for row in _rank(seen[of_epochs(seen["epoch"])]).itertuples()
    ]


def _but_the_first(epoch: pd.Series) -> pd.Series:
    return (epoch > epoch.min()) | (epoch.min() == epoch.max())


def _the_last(epoch: pd.Series) -> pd.Series:
    return epoch == epoch.max()


def _of_one(found: Predictions, index: int) -> TopLoss:
    label, pred = int(found.label[index]), int(found.pred[index])
    return TopLoss(
        item_id=int(found.item_id[index]),
        label=found.classes[label],
        pred=found.classes[pred],
        loss=float(found.loss[index]),
        is_right=label == pred,
        probability=float(found.probability[index, pred]),
        label_probability=float(found.probability[index, label]),
    )


def _of_several(found: LabelPredictions, index: int) -> TopLoss:
    probability = found.probability[index]
    label, pred = found.label[index], probability > found.threshold

    def probable(chosen: np.ndarray) -> list[Probable]:
        return [(found.classes[at], float(probability[at])) for at in np.flatnonzero(chosen)]

    return TopLoss(
        item_id=int(found.item_id[index]),
        label=predictions.joined(label, found.classes),
        pred=predictions.joined(pred, found.classes),
        loss=float(found.loss[index]),
        is_right=bool((label == pred).all()),
        probability=None,
        label_probability=None,
        missed=tuple(sorted(probable(label & ~pred), key=_probability)),
        wrongly_given=tuple(sorted(probable(pred & ~label), key=_probability, reverse=True)),
    )


def _probability(one: Probable) -> float:
    return one[1]


def _of_train(row: Any, label: str, pred: str, *, multi: bool, is_softmax: bool) -> TopLoss:
    return TopLoss(
        item_id=int(row.item_id),
        label=label,
        pred=pred,
        loss=float(row.loss),
        is_right=pred in labellers.split(label, multi=multi),
        probability=float(row.p_pred),
        label_probability=float(np.exp(-row.loss)) if is_softmax else None,
    )


def _rank(seen: pd.DataFrame) -> pd.DataFrame:
    """Give item_id, loss, pred, p_pred, highest mean loss first; ties by item id."""
    loss = seen.groupby("item_id")["loss"].mean()
    votes = seen.groupby(["item_id", "pred"])["p_pred"].agg(["size", "mean"]).reset_index()
    votes = votes.sort_values(["item_id", "size", "mean"], ascending=[True, False, False])
    best = votes.drop_duplicates("item_id").set_index("item_id")
    table = pd.DataFrame({"loss": loss, "pred": best["pred"], "p_pred": best["mean"]})
    return table.reset_index().sort_values(["loss", "item_id"], ascending=[False, True])
