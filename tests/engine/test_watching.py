"""Watching a metric: which weights are kept, and when a stage is over."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.tracker import EarlyStoppingCallback
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.metrics import accuracy
from torch import nn

from core.domain import recipes
from core.domain.errors import RecipeError
from core.engine import metrics, packing, watching
from tests.engine.conftest import fine_tune

pytestmark = pytest.mark.engine


class Planned(Callback):
    """Have each epoch measure what a test wants, where Recorder has just noted it."""

    order = 51

    def __init__(self, values: list[float], name: str = "valid_loss") -> None:
        super().__init__()
        self._values, self._name = values, name

    def after_epoch(self) -> None:
        """Put the planned value in the place of the measured one."""
        recorder = self.learn.recorder
        index = list(recorder.metric_names)[1:].index(self._name)
        if recorder.values[-1]:
            recorder.values[-1][index] = self._values[self.learn.epoch]


class Seen(Callback):
    """Keep the weights after each epoch."""

    order = 99

    def __init__(self) -> None:
        super().__init__()
        self.states: list[dict[str, torch.Tensor]] = []

    def after_epoch(self) -> None:
        """Copy them."""
        self.states.append(copy.deepcopy(self.learn.model.state_dict()))


def learner(tmp_path: Path, *, n_outputs: int = 2, **changes: Any) -> Learner:
    """Make a tiny network with batch norm on random numbers."""
    torch.manual_seed(0)
    rows = [(torch.randn(4), torch.tensor(index % 2)) for index in range(8)]
    dls = DataLoaders(DataLoader(rows, bs=4), DataLoader(rows, bs=4), device="cpu")
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, n_outputs))
    plain: dict[str, Any] = {"loss_func": nn.CrossEntropyLoss(), "metrics": [accuracy]}
    made = Learner(dls, model, path=tmp_path, **(plain | changes))
    made.logger = lambda _values: None
    return made


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Say whether two states have the same bits."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("valid_loss", [3.0, 1.0, 2.0, 1.0], 1),
        ("accuracy", [0.3, 0.1, 0.5, 0.5], 2),
        ("valid_loss", [float("nan"), 2.0, float("nan"), 3.0], 1),
        ("accuracy", [float("nan"), 0.0, float("nan"), 0.0], 1),
    ],
)
def test_the_best_epoch_is_kept_with_its_weights_and_buffers(
    tmp_path: Path, metric: Any, values: list[float], best: int
) -> None:
    learn, seen = learner(tmp_path), Seen()
    keep = watching.KeepBest(metric)

    learn.fit(4, cbs=[keep, Planned(values, metric), seen])

    assert keep.best is not None
    assert (keep.best.epoch, keep.best.value) == (best, values[best])
    assert equal(keep.best.state, seen.states[best])
    assert "1.running_mean" in keep.best.state
    assert not equal(keep.best.state, seen.states[best - 1])


def test_the_best_of_all_stages_is_kept_and_put_back(tmp_path: Path) -> None:
    learn, seen = learner(tmp_path), Seen()
    keep = watching.KeepBest("valid_loss")

    learn.fit(2, cbs=[keep, Planned([2.0, 1.0]), seen])
    learn.fit(2, cbs=[keep, Planned([1.5, 3.0]), seen])
    was_put_back = keep.put_back(learn.model)

    assert keep.best is not None
    assert (keep.best.epoch, keep.n_epochs) == (1, 4)
    assert was_put_back
    assert equal(learn.model.state_dict(), seen.states[1])
    assert not keep.put_back(learn.model)


def test_the_best_goes_on_from_a_checkpoint_file(tmp_path: Path) -> None:
    first = watching.KeepBest("valid_loss")
    learner(tmp_path).fit(2, cbs=[first, Planned([1.0, 2.0])])
    packing.save(tmp_path / "best", first.state_dict())
    learn, second = learner(tmp_path), watching.KeepBest("valid_loss")
    second.load_state_dict(packing.load(tmp_path / "best"))

    learn.fit(4, cbs=[second, Planned([0.0, 0.0, 1.5, 0.5])], start_epoch=2)

    assert first.best is not None
    assert second.best is not None
    assert (second.best.epoch, second.best.value, second.n_epochs) == (3, 0.5, 4)
    assert first.best.epoch == 0


def test_a_stage_on_a_part_of_the_model_keeps_the_whole_model(tmp_path: Path) -> None:
    head = learner(tmp_path)
    whole = nn.Sequential(nn.Linear(3, 4), head.model)
    keep = watching.KeepBest("valid_loss", model=whole)

    head.fit(1, cbs=[keep])

    assert keep.best is not None
    assert keep.best.state.keys() == whole.state_dict().keys()


def test_the_recipe_s_k_is_watched_and_not_the_usual_five(tmp_path: Path) -> None:
    recipe = fine_tune(keep_best=recipes.KeepBest(metric="top_k_accuracy"), top_k=2)
    found = metrics.build(recipe, n_classes=6, multi_target=False, multi=False)
    learn = learner(tmp_path, metrics=found, n_outputs=6)
    keep = watching.KeepBest("top_k_accuracy")

    learn.fit(
        2,
        cbs=[
            keep,
            Planned([0.25, 0.75], "top_5_accuracy"),
            Planned([0.5, 0.25], "top_k_accuracy"),
        ],
    )

    assert keep.best is not None
    assert (keep.best.epoch, keep.best.value) == (0, 0.5)


@pytest.mark.parametrize(
    "callback",
    [watching.KeepBest("f1_macro"), watching.EarlyStopping("f1_macro", patience=1)],
    ids=["keep the best", "early stopping"],
)
def test_a_metric_that_is_not_measured_is_refused(tmp_path: Path, callback: Callback) -> None:
    learn = learner(tmp_path)

    with pytest.raises(RecipeError) as caught:
        learn.fit(1, cbs=[callback])

    assert "f1_macro" in caught.value.sentence
    assert "train_loss, valid_loss, accuracy" in caught.value.sentence
    assert "Add f1_macro" in caught.value.hint


@pytest.mark.parametrize("metric", ["valid_loss", "accuracy"])
@pytest.mark.parametrize(("patience", "min_delta"), [(1, 0.0), (2, 0.0), (2, 0.05), (3, 0.05)])
def test_early_stopping_ends_after_the_same_epoch_as_fastais(
    tmp_path: Path, metric: Any, patience: int, min_delta: float
) -> None:
    values = np.random.default_rng(patience).normal(size=12).round(2).tolist()
    values[3] = float("nan")
    comparison = np.less if metric == "valid_loss" else np.greater
    theirs = EarlyStoppingCallback(metric, comparison, min_delta, patience)
    ours = watching.EarlyStopping(metric, patience=patience, min_delta=min_delta)

    seen = [epochs_of(learner(tmp_path), each, values, metric) for each in (theirs, ours)]

    assert seen[0] == seen[1]
    assert 1 < seen[1] < 12
    assert ours.stopped_at == seen[1] - 1
    assert ours.note is not None
    assert ours.note.startswith(f"{metric} has not become better for {patience} epoch")


def epochs_of(learn: Learner, callback: Callback, values: list[float], name: str) -> int:
    """Count the epochs that are trained."""
    learn.fit(len(values), cbs=[callback, Planned(values, name)])
    return len(learn.recorder.values)


def test_early_stopping_lets_all_others_note_the_last_epoch(tmp_path: Path) -> None:
    learn, seen = learner(tmp_path), Seen()
    stopping = watching.EarlyStopping("valid_loss", patience=1)

    learn.fit(5, cbs=[stopping, Planned([1.0, 2.0, 0.0, 0.0, 0.0]), seen])

    assert len(seen.states) == 2
    assert stopping.is_over


def test_early_stopping_goes_on_within_a_stage(tmp_path: Path) -> None:
    values, wanted = [1.0, 2.0, 3.0, 4.0, 5.0], recipes.EarlyStopping(patience=3)
    first, second = watching.patience(wanted), watching.patience(wanted)
    assert first is not None
    assert second is not None

    learner(tmp_path).fit(2, cbs=[first, Planned(values)])
    second.load_state_dict(first.state_dict())
    learner(tmp_path).fit(5, cbs=[second, Planned(values)], start_epoch=2)

    assert not first.is_over
    assert second.stopped_at == 3


def test_a_stage_that_is_over_is_not_trained_again(tmp_path: Path) -> None:
    learn = learner(tmp_path)
    before = copy.deepcopy(learn.model.state_dict())
    stopping = watching.EarlyStopping("valid_loss", patience=1)
    stopping.load_state_dict({"best": 1.0, "n_waited": 1, "stopped_at": 2})

    learn.fit(5, cbs=[stopping], start_epoch=3)

    assert equal(before, learn.model.state_dict())


def test_a_recipe_without_patience_has_no_callback() -> None:
    assert watching.patience(None) is None
