"""Whole runs of recipes against fastai used by hand: same groups, same rates, same losses."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastai.callback import schedule as _fits_are_patched_in  # noqa: F401
from fastai.callback.core import Callback
from fastai.callback.mixup import MixUp
from fastai.callback.training import GradientAccumulation, GradientClip
from fastai.learner import Learner
from fastai.losses import LabelSmoothingCrossEntropyFlat
from fastai.optimizer import ranger

from benchmarks import plain_fastai
from core.domain.recipes import (
    Constant,
    FlatCos,
    LabelSmoothing,
    Mix,
    Optimiser,
    Recipe,
    Sgdr,
    Stage,
    Tta,
)
from core.engine import outputs, training, worker
from core.engine.ledger import Ledger
from core.store import files, frames, schema
from tests.engine.conftest import FakeJob, Registered, describe, fine_tune, row_of

pytestmark = pytest.mark.engine


class Rates(Callback):
    """Keep loss, rates of all groups, and momentum of each train batch."""

    order = 71
    run_valid = False

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[float, float, float]] = []

    def after_batch(self) -> None:
        """Keep them."""
        hypers = self.learn.opt.hypers[-1]
        self.rows.append((self.learn.loss.item(), hypers["lr"], hypers["mom"]))


def by_hand(frame: pd.DataFrame, root: Path, **setting: Any) -> tuple[Learner, Rates]:
    plain: dict[str, Any] = {"pretrained": False, "presize": 40, "size": 32, "batch_size": 8}
    made = plain_fastai.learner(frame, root, plain_fastai.Setting(**plain | setting))
    seen = Rates()
    made.add_cb(seen)
    plain_fastai.seed_again(made, 42)
    return made, seen


def by_recipe(frame: pd.DataFrame, root: Path, recipe: Recipe) -> list[tuple[float, float, float]]:
    ledger = Ledger("run-a")
    training.train(describe(frame, root, recipe), ledger, FakeJob())
    steps = ledger.steps()
    return list(zip(steps["loss"], steps["lr"], steps["momentum"], strict=True))


def test_each_schedule_is_fastais(frame: pd.DataFrame, photos: Path, tmp_path: Path) -> None:
    recipe = fine_tune(
        stages=(
            Stage(train="head", epochs=2, lr=2e-3, schedule=FlatCos(pct_start=0.5)),
            Stage(train=2, epochs=1, lr=1e-3, schedule=Constant(), wd=0.1),
            Stage(epochs=3, lr=1e-3, schedule=Sgdr(n_cycles=2), momentum=0.8),
        )
    )
    learn, seen = by_hand(frame, photos)

    with learn.no_logging():
        learn.freeze()
        learn.fit_flat_cos(2, 2e-3, pct_start=0.5)
        learn.freeze_to(-2)
        learn.fit(1, 1e-3, wd=0.1)
        learn.unfreeze()
        learn.opt.set_hyper("mom", 0.8)
        learn.fit_sgdr(2, 1, 1e-3, wd=0.01)

    assert by_recipe(frame, photos, recipe) == seen.rows


def test_techniques_together_are_fastais(frame: pd.DataFrame, photos: Path) -> None:
    recipe = fine_tune(
        mix=Mix(alpha=0.3),
        loss=LabelSmoothing(epsilon=0.2),
        optimiser=Optimiser(kind="ranger"),
        grad_clip=0.5,
        accumulate=16,
        stages=(Stage(epochs=3, lr=1e-3),),
    )
    learn, seen = by_hand(frame, photos)
    learn.loss_func = LabelSmoothingCrossEntropyFlat(eps=0.2)
    learn.opt_func = ranger
    learn.add_cbs([MixUp(0.3), GradientClip(0.5), GradientAccumulation(16)])

    with learn.no_logging():
        learn.opt = None
        learn.unfreeze()
        learn.fit_one_cycle(3, 1e-3)

    assert by_recipe(frame, photos, recipe) == seen.rows


def test_progressive_resizing_is_a_change_of_loaders(frame: pd.DataFrame, photos: Path) -> None:
    recipe = fine_tune(
        stages=(Stage(epochs=1, lr=1e-3, size_px=24, batch_size=10), Stage(epochs=2, lr=1e-3))
    )
    learn, seen = by_hand(frame, photos, size=24, batch_size=10)

    with learn.no_logging():
        learn.unfreeze()
        learn.fit_one_cycle(1, 1e-3)
        setting = plain_fastai.Setting(pretrained=False, presize=40, size=32, batch_size=8)
        learn.dls = plain_fastai.loaders(frame, photos, setting)
        learn.fit_one_cycle(2, 1e-3)

    assert by_recipe(frame, photos, recipe) == seen.rows


def test_a_run_with_tta_stores_what_fastais_tta_gives(frame: pd.DataFrame, photos: Path) -> None:
    recipe = fine_tune(tta=Tta(n=2), stages=(Stage(epochs=1, lr=1e-3),))

    outcome = training.train(describe(frame, photos, recipe), Ledger("run-a"), FakeJob())

    plain = frames.load(files.run_predictions("run-a"))
    with_tta = frames.load(files.run_tta_predictions("run-a"))
    right = float((with_tta["label"] == with_tta["pred"]).mean())
    assert with_tta["item_id"].tolist() == plain["item_id"].tolist()
    assert not with_tta["p_0"].equals(plain["p_0"])
    assert outcome.metrics["tta_accuracy"] == right
    assert outputs.load_facts("run-a")["recipe"]["tta"] == {"n": 2, "beta": 0.25}


def test_valid_images_are_predicted_with_tta_after_a_run(
    registered: Registered,
) -> None:
    registered.queue_run("run-a", fine_tune(stages=(Stage(epochs=1, lr=1e-3),)))
    worker.work_on("run", "run-a")
    asked = {"what": "valid", "run_id": "run-a", "tta": {"n": 2, "beta": 0.25}}
    registered.queue_task("task-a", "predict", asked)

    worker.work_on("task", "task-a")

    row = row_of(schema.tasks, "task-a")
    table = frames.load(files.run_tta_predictions("run-a"))
    assert (row["status"], row["progress_done"], row["progress_total"]) == ("finished", 6, 6)
    assert row["result"]["right"] == float((table["label"] == table["pred"]).mean())
    assert table["item_id"].equals(frames.load(files.run_predictions("run-a"))["item_id"])
