"""What is kept of each item is of its own label, whatever the fit learns from."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.mixup import CutMix, MixUp
from torch import nn

from core.domain.errors import EngineError, RecipeError
from core.domain.recipes import BinaryCrossEntropy, ClassWeighted, LabelSmoothing, Loss
from core.engine import collecting, losses
from tests.engine import tiny

pytestmark = pytest.mark.engine

CLASSES = ("blue", "green", "red", "white")
SEVERAL = ("", "blue|red", "green", "blue|green|white")


def batches(*, several: bool = False, multi: bool = False, shape: Any = (6,)) -> Any:
    """Make what a fit needs of tiny items; with `several` targets are a 0 or 1 for each class."""
    numbers = tiny.targets(tiny.N_TRAIN), tiny.targets(tiny.N_VALID)
    names = SEVERAL if multi else CLASSES
    labels = [[names[number] for number in part] for part in numbers]
    given: Any = [tiny.one_hot(part) for part in numbers] if several else numbers
    if multi:
        given = [[torch.tensor(ones(label)) for label in part] for part in labels]
    ids = (np.arange(tiny.N_TRAIN) + 100, np.arange(tiny.N_VALID) + 500)
    items = tuple(
        pd.DataFrame({"item_id": mine, "label": part})
        for mine, part in zip(ids, labels, strict=True)
    )
    dls = tiny.loaders(*given, shape=shape)
    return SimpleNamespace(dls=dls, classes=CLASSES, items=items, item_ids=ids)


def ones(label: str) -> list[float]:
    return [float(name in label.split("|")) for name in CLASSES]


def fitted(found: Any, *extra: Callback, loss: Loss, seen: Callback, **named: Any) -> tiny.Watch:
    """Fit an epoch with a recipe's loss."""
    numbers = np.array(tiny.targets(tiny.N_TRAIN))
    multi = isinstance(loss, BinaryCrossEntropy)
    function = losses.build(loss, n_classes=4, targets=numbers, multi=multi)
    learn = tiny.learner(found.dls, loss_func=function, **named)
    return tiny.watched(learn, epochs=1, callbacks=[*extra, seen])


def table_of(seen: collecting.ItemLosses) -> pd.DataFrame:
    return collecting.train_table(seen.parts)


@pytest.mark.parametrize("loss", [losses.USUAL, ClassWeighted(), LabelSmoothing()])
def test_train_losses_are_plain_cross_entropy_whatever_is_fitted(loss: Loss) -> None:
    found = batches()
    seen = collecting.ItemLosses(found, loss=loss, first_epoch=3)

    watch = fitted(found, loss=loss, seen=seen)

    table, outputs = table_of(seen), torch.cat(watch.outputs[:3])
    own = torch.tensor(tiny.targets(tiny.N_TRAIN))
    plain = nn.functional.cross_entropy(outputs, own, reduction="none")
    assert table["loss"].tolist() == plain.tolist()
    assert table["item_id"].tolist() == list(range(100, 124))
    assert table["pred"].tolist() == outputs.argmax(dim=1).tolist()
    assert table["p_pred"].tolist() == outputs.softmax(dim=1).amax(dim=1).tolist()
    assert set(table["epoch"]) == {3}


@pytest.mark.parametrize("mix", [MixUp, CutMix])
@pytest.mark.parametrize("several", [False, True])
def test_mixed_items_are_compared_with_their_own_labels(
    mix: type[Callback], several: bool
) -> None:
    found = batches(several=several, shape=(3, 8, 8))
    loss = BinaryCrossEntropy() if several else losses.USUAL
    seen = collecting.ItemLosses(found, loss=loss, first_epoch=0)

    watch = fitted(found, mix(), loss=loss, seen=seen, make=tiny.image_network)

    own = torch.tensor(tiny.targets(tiny.N_TRAIN))
    plain, _ = losses.per_item(torch.cat(watch.outputs[:3]), own, loss)
    assert table_of(seen)["loss"].tolist() == plain.tolist()
    assert table_of(seen)["loss"][:8].mean() != pytest.approx(watch.step_losses[0], rel=1e-5)


@pytest.mark.parametrize("several", [False, True])
def test_labels_that_are_not_those_of_the_batch_are_noticed(several: bool) -> None:
    found = batches(several=several)
    loss = BinaryCrossEntropy() if several else losses.USUAL
    found.items[0].loc[0, "label"] = "white"
    seen = collecting.ItemLosses(found, loss=loss, first_epoch=0)

    with pytest.raises(EngineError, match="not those of its items"):
        fitted(found, loss=loss, seen=seen)


def test_wrong_labels_are_noticed_under_mixup_of_class_numbers_too() -> None:
    found = batches(shape=(3, 8, 8))
    found.items[0].loc[0, "label"] = "white"
    seen = collecting.ItemLosses(found, first_epoch=0)

    with pytest.raises(EngineError, match="not those of its items"):
        fitted(found, MixUp(), loss=losses.USUAL, seen=seen, make=tiny.image_network)


def test_predictions_of_one_label_with_a_sigmoid_are_the_most_probable_class() -> None:
    found, loss = batches(several=True), BinaryCrossEntropy(threshold=0.99)
    seen = collecting.Predictions(found, loss=loss)

    watch = fitted(found, loss=loss, seen=seen)

    table, outputs = collecting.valid_table(seen, found), torch.cat(watch.outputs[3:])
    assert table["pred"].tolist() == [CLASSES[at] for at in outputs.argmax(dim=1).tolist()]
    assert table["p_2"].tolist() == outputs.sigmoid()[:, 2].tolist()


def test_predictions_of_several_labels_are_all_classes_above_the_threshold() -> None:
    found, loss = batches(multi=True), BinaryCrossEntropy(threshold=0.45)
    seen = collecting.Predictions(found, loss=loss, multi=True)

    watch = fitted(found, loss=loss, seen=seen)

    table, outputs = collecting.valid_table(seen, found), torch.cat(watch.outputs[3:])
    above = [
        "|".join(name for name, p in zip(CLASSES, row, strict=True) if p > 0.45)
        for row in outputs.sigmoid().tolist()
    ]
    wanted = torch.tensor([ones(label) for label in table["label"]])
    assert table["pred"].tolist() == above
    assert any("|" in pred for pred in above)
    assert table["label"].tolist() == [SEVERAL[at] for at in tiny.targets(tiny.N_VALID)]
    assert table["loss"].tolist() == losses.per_item(outputs, wanted, loss)[0].tolist()
    assert list(table.columns[:4]) == ["item_id", "label", "pred", "loss"]


def test_no_class_above_the_threshold_is_an_empty_pred() -> None:
    found, loss = batches(multi=True), BinaryCrossEntropy(threshold=0.999)
    seen = collecting.Predictions(found, loss=loss, multi=True)

    fitted(found, loss=loss, seen=seen)

    assert set(collecting.valid_table(seen, found)["pred"]) == {""}


def test_several_labels_are_collected_only_with_a_sigmoid_a_class() -> None:
    with pytest.raises(RecipeError, match="one label an image"):
        collecting.ItemLosses(batches(multi=True), first_epoch=0, multi=True)


def test_a_fit_without_batches_has_the_columns_of_one_with() -> None:
    found = batches()
    seen = collecting.ItemLosses(found, first_epoch=0)
    fitted(found, loss=losses.USUAL, seen=seen)

    none = collecting.no_train_table()

    assert none.empty
    assert none.dtypes.to_dict() == table_of(seen).dtypes.to_dict()
