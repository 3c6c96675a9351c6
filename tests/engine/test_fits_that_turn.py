"""What a fit does when something turns up: a found rate, no patience, no memory, no number."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
import torch

from core.domain.recipes import (
    Auto,
    EarlyStopping,
    Stage,
    Tta,
)
from core.engine import guarding, range_test, training, tta, worker
from core.engine.ledger import Ledger
from core.store import database, files, schema
from tests.engine.conftest import FakeJob, Registered, describe, fine_tune, row_of
from tests.engine.ended import epochs_of, is_same_run, train, weights

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _short_range_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_test, "N_BATCHES", 30)


def test_early_stopping_ends_the_stage_and_the_next_one_begins(
    registered: Registered,
) -> None:
    recipe = fine_tune(
        early_stopping=EarlyStopping(patience=1, min_delta=1e9),
        stages=(
            Stage(train="head", epochs=5, lr=1e-3),
            Stage(epochs=4, lr=1e-4),
        ),
    )
    registered.queue_run("run-a", recipe)

    worker.work_on("run", "run-a")

    assert row_of(schema.runs, "run-a")["status"] == "finished"
    assert [(epoch, stage) for epoch, stage, *_ in epochs_of("run-a")] == [
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 1),
    ]
    with database.reading() as connection:
        notes = connection.execute(sa.select(schema.stages.c.note)).scalars().all()
    assert all("has not become better for 1 epoch" in note for note in notes)


def test_a_rate_that_is_found_is_stored_with_its_curve_and_equals_the_same_number(
    registered: Registered,
) -> None:
    automatic = fine_tune(stages=(Stage(epochs=1, lr=Auto(suggestion="minimum/10")),))
    registered.queue_run("run-a", automatic)
    worker.work_on("run", "run-a")
    with database.reading() as connection:
        found = connection.execute(sa.select(schema.stages.c.lr_find)).scalar_one()
    fixed = fine_tune(stages=(Stage(epochs=1, lr=found["chosen"]["lr"]),))
    registered.queue_run("run-b", fixed)

    worker.work_on("run", "run-b")

    assert found["chosen"]["name"] == "minimum/10"
    assert len(found["points"]) > 10
    assert is_same_run("run-a", "run-b")


def test_too_large_a_batch_is_halved_and_its_steps_stay_as_large(
    frame: pd.DataFrame, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_large = fine_tune(when_out_of_memory="halve", batch_size=16)
    smaller = fine_tune(batch_size=8, accumulate=16)
    on = {"frame": frame, "root": photos}
    once = iter([torch.OutOfMemoryError("CUDA out of memory.")])
    guard = guarding.FiniteGuard.after_loss

    def short_of_memory(self: guarding.FiniteGuard) -> None:
        guard(self)
        if self.learn.dl.bs == 16 and (error := next(once, None)):
            raise error

    monkeypatch.setattr(guarding.FiniteGuard, "after_loss", short_of_memory)
    ledger = Ledger("run-b")

    training.train(describe(frame, photos, too_large, run_id="run-b"), ledger, FakeJob())

    train(smaller, FakeJob(), run_id="run-a", **on)
    assert is_same_run("run-a", "run-b")
    notes = [row["note"] for row in ledger._pending[schema.stages]]
    assert all("batches of 16 images: they were of 8" in note for note in notes)


def test_memory_that_runs_out_in_a_later_stage_is_noted_with_it(
    registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = iter([torch.OutOfMemoryError("CUDA out of memory.")])
    guard = guarding.FiniteGuard.after_loss

    def short_of_memory(self: guarding.FiniteGuard) -> None:
        guard(self)
        unfrozen = all(each.requires_grad for each in self.learn.model.parameters())
        if unfrozen and self.learn.epoch == 1 and (error := next(once, None)):
            raise error

    monkeypatch.setattr(guarding.FiniteGuard, "after_loss", short_of_memory)
    registered.queue_run("run-a", fine_tune(when_out_of_memory="halve"))

    worker.work_on("run", "run-a")

    with database.reading() as connection:
        notes = connection.execute(sa.select(schema.stages.c.note).order_by("stage")).scalars()
        first, second = notes.all()
    assert row_of(schema.runs, "run-a")["status"] == "finished"
    assert first is None
    assert "batches of 8 images: they were of 4" in second


def test_a_loss_that_is_no_number_keeps_the_weights_of_the_epoch_before_and_names_the_files(
    registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = guarding.FiniteGuard.after_loss

    def break_in_the_last_epoch(self: guarding.FiniteGuard) -> None:
        if self.learn.training and self.learn.epoch == 1:
            self.learn.loss = self.learn.loss * float("nan")
        guard(self)

    monkeypatch.setattr(guarding.FiniteGuard, "after_loss", break_in_the_last_epoch)
    registered.queue_run("run-a", fine_tune())

    worker.work_on("run", "run-a")

    row = row_of(schema.runs, "run-a")
    assert row["status"] == "failed"
    assert "in the batch were" in row["error"]
    assert ".png" in row["error"]
    assert "The weights of the epoch before are kept." in row["error"]
    assert row["metrics"]["valid_loss"] == pytest.approx(epochs_of("run-a")[-1][-1], rel=1e-5)
    assert all(each.isfinite().all() for each in weights("run-a").values())


def test_a_run_whose_augmented_predictions_fail_keeps_its_weights(
    registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_arguments: object, **_named: object) -> None:
        raise MemoryError

    monkeypatch.setattr(tta, "predict", no_room)
    registered.queue_run("run-a", fine_tune(tta=Tta()))

    worker.work_on("run", "run-a")

    with database.reading() as connection:
        notes = connection.execute(sa.select(schema.stages.c.note).order_by("stage")).scalars()
        note = notes.all()[-1]
    assert row_of(schema.runs, "run-a")["status"] == "finished"
    assert "Test-time augmentation came to nothing: The memory did not suffice" in note
    assert files.run_weights("run-a").exists()
