"""A run that was killed, stopped or paused goes on, and ends as if nothing had happened."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
import torch

from core.domain.errors import StoreError
from core.domain.jobs import Wish
from core.domain.recipes import (
    Auto,
    Constant,
    KeepBest,
    Mix,
    Optimiser,
    Recipe,
    Sgdr,
    Stage,
)
from core.engine import checkpoints, guarding, outputs, range_test, training, worker
from core.engine.ledger import Ledger
from core.store import database, files, frames, schema
from tests import faults
from tests.engine.conftest import FakeJob, Registered, describe, fine_tune, row_of
from tests.engine.ended import epochs_of, is_same_run, train, weights

pytestmark = pytest.mark.engine


class Killed(BaseException):
    """The end of a process, as far as a test can have one."""


@dataclass
class Mortal(FakeJob):
    """A job whose process dies once so many batches are done."""

    dies_after: int = 0
    done: int = 0

    def report(self, **columns: Any) -> None:
        """Die when it is time."""
        super().report(**columns)
        self.done = columns.get("progress_done", self.done)
        if self.done >= self.dies_after:
            raise Killed


@dataclass
class Wishing(FakeJob):
    """A job of which a person wishes something once so many batches are done."""

    wished: Wish = "pause"
    after: int = 2
    seen: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def wish(self) -> Wish | None:
        """Wish it until the person lets go."""
        done = max((said.get("progress_done", 0) for said in self.reports), default=0)
        return self.wished if done >= self.after and not self.go_on.is_set() else None

    def report(self, **columns: Any) -> None:
        """Let go as soon as the run has paused."""
        super().report(**columns)
        if columns.get("status") == "paused":
            self.go_on.set()


@pytest.fixture(autouse=True)
def _short_range_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_test, "N_BATCHES", 30)


STAGES: dict[str, Callable[[], Recipe]] = {
    "two stages, an epoch and a half a step": lambda: fine_tune(accumulate=40),
    "growing sizes, mixup, loader processes": lambda: fine_tune(
        n_workers=2,
        mix=Mix(),
        stages=(
            Stage(epochs=2, lr=1e-3, size_px=24, batch_size=10),
            Stage(epochs=2, lr=1e-3, size_px=32, schedule=Sgdr(n_cycles=1, cycle_len=2)),
        ),
    ),
    "features, a rate that is found, the best epoch": lambda: fine_tune(
        keep_best=KeepBest(),
        optimiser=Optimiser(kind="ranger"),
        stages=(
            Stage(train="features", epochs=2, lr=1e-2),
            Stage(train="head", epochs=2, lr=Auto()),
            Stage(train="head", epochs=1, lr=Auto(), schedule=Constant()),
        ),
    ),
}


TWO, GROWING, FEATURES = STAGES


@pytest.mark.parametrize(
    ("name", "dies_after"),
    [
        (TWO, 8),
        (GROWING, 8),
        (FEATURES, 11),
        pytest.param(TWO, 5, marks=faults.only_there),
        pytest.param(FEATURES, 8, marks=faults.only_there),
        pytest.param(FEATURES, 14, marks=faults.only_there),
    ],
)
def test_a_killed_run_that_is_continued_equals_one_that_was_not(
    frame: pd.DataFrame, photos: Path, name: str, dies_after: int
) -> None:
    recipe = STAGES[name]()
    on = {"frame": frame, "root": photos}
    with pytest.raises(Killed):
        train(recipe, Mortal(dies_after=dies_after), run_id="run-b", **on)

    outcome = train(recipe, FakeJob(), run_id="run-b", **on)

    whole = train(recipe, FakeJob(), run_id="run-a", **on)
    assert outcome == whole
    assert is_same_run("run-a", "run-b")


def test_a_continued_run_has_the_steps_and_epochs_of_an_unbroken_one(
    registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = fine_tune()
    registered.queue_run("run-a", recipe)
    registered.queue_run("run-b", recipe)
    worker.work_on("run", "run-a")
    with monkeypatch.context() as patched:
        stop_in_epoch(patched, step=5)
        worker.work_on("run", "run-b")
    assert row_of(schema.runs, "run-b")["status"] == "stopped"
    assert len(epochs_of("run-b")) == 2  # the second one is not whole

    queue_again("run-b")
    worker.work_on("run", "run-b")

    assert row_of(schema.runs, "run-b")["status"] == "finished"
    assert epochs_of("run-b") == epochs_of("run-a")
    first, second = (frames.load(files.run_steps(run_id)) for run_id in ("run-a", "run-b"))
    assert first.drop(columns="seconds").equals(second.drop(columns="seconds"))
    assert not files.run_checkpoint("run-b").exists()


def die(*_arguments: object) -> None:
    raise Killed


def stop_in_epoch(monkeypatch: pytest.MonkeyPatch, *, step: int) -> None:
    """Have the next fit be asked to stop after so many batches."""
    counted = iter(range(step))
    monkeypatch.setattr(
        guarding.Stopper, "_hold", lambda self: next(counted, None) is None and stop_now(self)
    )


def stop_now(stopper: guarding.Stopper) -> None:
    stopper._job.ask_to_stop()


def queue_again(run_id: str) -> None:
    mine = sa.update(schema.runs).where(schema.runs.c.id == run_id)
    fresh = {"status": "queued", "pid": None, "stop_requested": False}
    with database.writing() as connection:
        connection.execute(mine.values(**fresh))


def test_a_paused_run_waits_and_then_goes_on_as_if_it_had_not(
    frame: pd.DataFrame, photos: Path
) -> None:
    job = Wishing(wished="pause", after=4)
    on = {"frame": frame, "root": photos}

    train(fine_tune(), job, run_id="run-b", **on)

    train(fine_tune(), FakeJob(), run_id="run-a", **on)
    said = [each["status"] for each in job.reports if "status" in each]
    assert said == ["paused", "running"]
    assert is_same_run("run-a", "run-b")


def test_a_run_that_stops_after_the_epoch_has_trained_it_whole_and_goes_on_from_there(
    frame: pd.DataFrame, photos: Path
) -> None:
    on = {"frame": frame, "root": photos}
    job = Wishing(wished="stop_after_epoch", after=4)

    stopped = train(fine_tune(), job, run_id="run-b", **on)
    n_steps = len(frames.load(files.run_steps("run-b")))
    train(fine_tune(), FakeJob(), run_id="run-b", **on)

    train(fine_tune(), FakeJob(), run_id="run-a", **on)
    assert (stopped.status, n_steps) == ("stopped", 6)
    assert is_same_run("run-a", "run-b")


def test_a_run_that_was_killed_while_its_results_were_written_only_writes_them(
    frame: pd.DataFrame, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = {"frame": frame, "root": photos}
    with monkeypatch.context() as patched:
        patched.setattr(outputs, "save_model", die)
        with pytest.raises(Killed):
            train(fine_tune(), FakeJob(), run_id="run-b", **on)

    train(fine_tune(), FakeJob(), run_id="run-b", **on)

    train(fine_tune(), FakeJob(), run_id="run-a", **on)
    assert is_same_run("run-a", "run-b")


def test_a_run_begins_from_the_weights_of_another(frame: pd.DataFrame, photos: Path) -> None:
    on = {"frame": frame, "root": photos}
    train(fine_tune(), FakeJob(), run_id="run-a", **on)
    more = fine_tune(stages=(Stage(train="head", epochs=1, lr=1e-9),))
    description = describe(frame, photos, more, run_id="run-b", begins_from="run-a")

    training.train(description, Ledger("run-b"), FakeJob())

    first, second = weights("run-a"), weights("run-b")
    assert files.run_beginning("run-b").read_bytes() == files.run_weights("run-a").read_bytes()
    learnt = [name for name in first if "running" not in name and "batches" not in name]
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in learnt)


def test_a_damaged_checkpoint_is_named(home: Path) -> None:
    files.write_bytes(files.run_checkpoint("run-a"), b"not a checkpoint")

    with pytest.raises(StoreError, match=r"checkpoint\.safetensors cannot be read"):
        checkpoints.find("run-a")


def test_a_disk_without_room_for_checkpoints_is_told_before_the_fit(
    frame: pd.DataFrame, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "N_COPIES", 10**9)

    with pytest.raises(StoreError, match="MB free, and the checkpoints of this network need"):
        train(fine_tune(), FakeJob(), frame=frame, root=photos, run_id="run-a")
