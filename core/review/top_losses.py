"""The items a model got most wrong: of valid as in fastai, or of train as the fit saw them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.review import predictions
from core.store import files, frames


@dataclass(frozen=True, kw_only=True)
class TopLoss:
    """One item with what the model made of it."""

    item_id: int
    label: str  # what it was trained or validated as
    pred: str
    loss: float
    probability: float  # of the pred
    label_probability: float  # of the label


def of_valid(run_id: str) -> list[TopLoss]:
    """Rank the validation items by the loss of the kept weights, highest first."""
    found = predictions.load(run_id)
    order = np.argsort(-found.loss, kind="stable")
    return [
        TopLoss(
            item_id=int(found.item_id[index]),
            label=found.classes[found.label[index]],
            pred=found.classes[found.pred[index]],
            loss=float(found.loss[index]),
            probability=float(found.probability[index, found.pred[index]]),
            label_probability=float(found.probability[index, found.label[index]]),
        )
        for index in order
    ]


def of_train(run_id: str) -> list[TopLoss]:
    """Rank the train items by their training loss, averaged over the epochs but the first.

    A fit sees a mislabelled image as what it is before it memorises it, so the mean over the fit
    ranks mistakes better than the losses of the final weights (AUM, arXiv:2001.10528, rests on the
    same). The pred is the class most often predicted over these epochs, with its mean probability.
    """
    if not files.run_train_losses(run_id).exists():
        return []
    names = predictions.classes(run_id)
    seen = frames.load(files.run_train_losses(run_id))
    if seen["epoch"].nunique() > 1:
        seen = seen[seen["epoch"] > seen["epoch"].min()]
    ranked = _rank(seen)
    labels = predictions.load_items(run_id).set_index("item_id")["label"]
    return [
        TopLoss(
            item_id=int(row.item_id),
            label=str(labels[row.item_id]),
            pred=names[row.pred],
            loss=float(row.loss),
            probability=float(row.p_pred),
            label_probability=float(np.exp(-row.loss)),
        )
        for row in ranked.itertuples()
    ]


def _rank(seen: pd.DataFrame) -> pd.DataFrame:
    """Give item_id, loss, pred, p_pred, highest mean loss first; ties by item id."""
    loss = seen.groupby("item_id")["loss"].mean()
    votes = seen.groupby(["item_id", "pred"])["p_pred"].agg(["size", "mean"]).reset_index()
    votes = votes.sort_values(["item_id", "size", "mean"], ascending=[True, False, False])
    best = votes.drop_duplicates("item_id").set_index("item_id")
    table = pd.DataFrame({"loss": loss, "pred": best["pred"], "p_pred": best["mean"]})
    return table.reset_index().sort_values(["loss", "item_id"], ascending=[False, True])
