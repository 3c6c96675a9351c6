"""Writing a run elsewhere: what each tracker gets, and that the fit does not notice."""

import csv
import random
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.metrics import accuracy
from torch import nn

from core.domain.errors import RecipeError
from core.domain.recipes import Recipe, Tracking
from core.engine import seeding, tracking
from tests.engine.conftest import fine_tune

pytestmark = pytest.mark.engine

N_BATCHES = 3


def learner(tmp_path: Path) -> Learner:
    """Make a tiny network with dropout, whose fit draws from torch and from its loader."""
    torch.manual_seed(0)
    rows = [(torch.randn(4), torch.tensor(index % 2)) for index in range(12)]
    train = DataLoader(rows, bs=4, shuffle=True)
    dls = DataLoaders(train, DataLoader(rows, bs=4), device="cpu")
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    made = Learner(dls, model, loss_func=nn.CrossEntropyLoss(), metrics=accuracy, path=tmp_path)
    made.logger = lambda _values: None
    seeding.seed_fit(dls, 1)
    return made


def wanting(**trackers: bool) -> Recipe:
    """Make a recipe that wants these trackers."""
    return fine_tune(tracking=Tracking(**trackers))


def tracker(folder: Path, **trackers: bool) -> tracking.Tracker:
    """Make the tracker of a run."""
    return tracking.build(wanting(**trackers), run_id="run-a", run_name="First", folder=folder)


def fit(learn: Learner, tracker: tracking.Tracker, epochs: int, **begin: int) -> None:
    """Fit a stage with a tracker."""
    tracker.begin(**begin)
    learn.fit(epochs, cbs=tracker)


def lines(folder: Path) -> list[dict[str, str]]:
    """Read the CSV log."""
    with (folder / "log.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_csv_has_a_line_an_epoch_over_all_stages(tmp_path: Path) -> None:
    learn, each = learner(tmp_path), tracker(tmp_path, csv=True)

    fit(learn, each, 2, stage=0, n_epochs=0, n_steps=0)
    measured = list(learn.recorder.values)
    fit(learn, each, 1, stage=1, n_epochs=2, n_steps=6)
    measured += learn.recorder.values
    each.close()

    found = lines(tmp_path)
    names = ["epoch", "stage", "train_loss", "valid_loss", "accuracy", "seconds"]
    assert list(found[0]) == names
    assert [(row["epoch"], row["stage"]) for row in found] == [("0", "0"), ("1", "0"), ("2", "1")]
    for row, values in zip(found, measured, strict=True):
        assert [float(row[name]) for name in names[2:5]] == list(values)


def test_a_continued_run_drops_the_lines_that_are_trained_again(tmp_path: Path) -> None:
    fit(learner(tmp_path), tracker(tmp_path, csv=True), 3, stage=0, n_epochs=0, n_steps=0)
    before = lines(tmp_path)

    again = tracker(tmp_path, csv=True)
    again.begin(stage=0, n_epochs=1, n_steps=3)
    kept = lines(tmp_path)
    fit(learner(tmp_path), again, 1, stage=0, n_epochs=1, n_steps=3)

    assert kept == before[:1]
    assert [row["epoch"] for row in lines(tmp_path)] == ["0", "1"]


def test_an_epoch_that_was_stopped_on_its_way_can_be_noted(tmp_path: Path) -> None:
    each = tracker(tmp_path, csv=True)
    each.begin(stage=1, n_epochs=4, n_steps=12)

    each.note({"train_loss": 1.5, "valid_loss": float("nan")})

    (row,) = lines(tmp_path)
    assert (row["epoch"], row["train_loss"], row["valid_loss"]) == ("4", "1.5", "nan")


def test_tensorboard_shows_steps_and_epochs_on_one_axis(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    learn, first = learner(tmp_path), tracker(tmp_path, tensorboard=True)

    fit(learn, first, 1, stage=0, n_epochs=0, n_steps=0)
    losses = [float(loss) for loss in learn.recorder.losses]
    fit(learn, first, 2, stage=1, n_epochs=1, n_steps=3)
    first.close()
    again = tracker(tmp_path, tensorboard=True)
    fit(learn, again, 1, stage=1, n_epochs=2, n_steps=6)
    again.close()

    shown = events.EventAccumulator(str(tmp_path / "tensorboard"))
    shown.Reload()
    assert set(shown.Tags()["scalars"]) == {
        *("loss", "lr", "momentum", "train_loss", "valid_loss", "accuracy")
    }
    assert [event.step for event in shown.Scalars("loss")] == list(range(9))
    assert [event.step for event in shown.Scalars("valid_loss")] == [2, 5, 8]
    assert shown.Scalars("loss")[0].value == pytest.approx(losses[0])
    assert shown.Scalars("lr")[0].value == pytest.approx(1e-3)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Put W&B and MLflow that only remember in the place of the packages, and set them up."""
    said = SimpleNamespace(wandb=[], mlflow=[])

    def remember(calls: list[Any], name: str, result: Any = None) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            random.seed(9)  # as other people's code may
            np.random.seed(9)
            torch.manual_seed(9)
            calls.append((name, arguments, named))
            return result

        return call

    run = SimpleNamespace(
        **{name: remember(said.wandb, name) for name in ("log", "define_metric", "finish")}
    )
    wandb, mlflow = ModuleType("wandb"), ModuleType("mlflow")
    wandb.init = remember(said.wandb, "init", run)
    made = SimpleNamespace(info=SimpleNamespace(run_id="m-1"))
    for name in ("set_experiment", "log_params", "log_metrics", "end_run", "start_run"):
        setattr(mlflow, name, remember(said.mlflow, name, made))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setenv("WANDB_API_KEY", "k")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    return said


def test_wandb_gets_the_recipe_and_each_epoch_of_one_run(
    tmp_path: Path, services: SimpleNamespace
) -> None:
    learn, each = learner(tmp_path), tracker(tmp_path, wandb=True)

    fit(learn, each, 1, stage=0, n_epochs=0, n_steps=0)
    fit(learn, each, 1, stage=1, n_epochs=1, n_steps=3)
    each.close()

    names = [name for name, *_ in services.wandb]
    assert names == ["init", "define_metric", "define_metric", "log", "log", "finish"]
    _, _, about = services.wandb[0]
    assert (about["id"], about["name"], about["project"]) == ("run-a", "First", "winnow")
    assert about["config"]["stages.0.lr.high"] == 2e-3
    _, (sent,), _ = services.wandb[4]
    assert (sent["epoch"], sent["stage"]) == (1, 1)
    assert sent["valid_loss"] == learn.recorder.values[-1][1]


def test_mlflow_gets_the_recipe_once_and_a_continued_run_is_the_same(
    tmp_path: Path, services: SimpleNamespace
) -> None:
    learn, first = learner(tmp_path), tracker(tmp_path, mlflow=True)

    fit(learn, first, 1, stage=0, n_epochs=0, n_steps=0)
    first.close()
    again = tracker(tmp_path, mlflow=True)
    fit(learn, again, 1, stage=0, n_epochs=1, n_steps=3)
    again.close()

    names = [name for name, *_ in services.mlflow]
    once = ["set_experiment", "start_run", "log_params", "log_metrics", "end_run"]
    assert names == [*once, "start_run", "log_metrics", "end_run"]
    assert services.mlflow[5][2] == {"run_id": "m-1"}
    _, (sent,), where = services.mlflow[6]
    assert where == {"step": 1}
    assert sent["accuracy"] == learn.recorder.values[-1][2]


def test_trackers_do_not_change_a_fit(tmp_path: Path, services: SimpleNamespace) -> None:
    trackers = {"csv": True, "tensorboard": True, "wandb": True, "mlflow": True}
    plain, tracked = learner(tmp_path), learner(tmp_path)
    each = tracker(tmp_path, **trackers)

    seeding.seed_fit(plain.dls, 1)
    fit(plain, tracker(tmp_path), 2, stage=0, n_epochs=0, n_steps=0)
    seeding.seed_fit(tracked.dls, 1)
    fit(tracked, each, 2, stage=0, n_epochs=0, n_steps=0)
    each.close()

    assert plain.recorder.losses == tracked.recorder.losses
    assert plain.recorder.values == tracked.recorder.values
    for one, other in zip(plain.model.parameters(), tracked.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_tracker_that_fails_is_switched_off_and_told_of_once(
    tmp_path: Path, services: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = tracker(tmp_path, wandb=True, csv=True)
    each.begin(stage=0, n_epochs=0, n_steps=0)

    def refuse(_values: dict[str, float]) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(each._sinks[1]._run, "log", refuse)
    learner(tmp_path).fit(3, cbs=each)
    each.close()

    assert each.notes == [
        "Weights & Biases failed and was switched off: ConnectionError: no route to host"
    ]
    assert len(lines(tmp_path)) == 3
    assert "finish" not in [name for name, *_ in services.wandb]


@pytest.mark.parametrize(
    ("wanted", "variable", "sentence"),
    [
        ("wandb", "WANDB_API_KEY", "Weights & Biases is not set up: WANDB_API_KEY is not set."),
        ("mlflow", "MLFLOW_TRACKING_URI", "MLflow is not set up: MLFLOW_TRACKING_URI is not set."),
    ],
)
@pytest.mark.usefixtures("services")
def test_a_service_that_is_not_set_up_is_refused_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, variable: str, sentence: str
) -> None:
    monkeypatch.delenv(variable)

    with pytest.raises(RecipeError) as caught:
        tracker(tmp_path, **{wanted: True})

    assert caught.value.sentence == sentence
    assert f"Set {variable}" in caught.value.hint


@pytest.mark.usefixtures("services")
def test_wandb_offline_needs_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("WANDB_MODE", "offline")

    each = tracker(tmp_path, wandb=True)

    assert len(each._sinks) == 1


@pytest.mark.parametrize(
    ("wanted", "module", "install"),
    [
        ("tensorboard", "torch.utils.tensorboard", "tensorboard"),
        ("wandb", "wandb", "wandb"),
        ("mlflow", "mlflow", "mlflow"),
    ],
)
def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, module: str, install: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(RecipeError) as caught:
        tracker(tmp_path, **{wanted: True})

    assert f"the package {install}, which is not installed" in caught.value.sentence
    assert f"pip install {install}" in caught.value.hint
