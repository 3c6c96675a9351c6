"""What goes wrong in a fit ends it with a sentence and a hint."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from fastai.learner import Learner

from core.domain.errors import (
    EngineError,
    NotFiniteError,
    OutOfMemoryError,
    RecipeError,
    UnreadableImageError,
)
from core.engine import failures, models, training, worker
from core.engine.ledger import Ledger
from core.store import files, frames, jobs, schema
from tests.engine.conftest import (
    PROJECT,
    FakeJob,
    Registered,
    describe,
    fine_tune,
    row_of,
    wait_until,
)

pytestmark = pytest.mark.engine

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class FailingLoss(torch.nn.CrossEntropyLoss):
    """A loss that fails in one call: three train batches and two of valid make an epoch."""

    def __init__(self, fail: Loss, call: int) -> None:
        super().__init__()
        self._fail, self._call = fail, call
        self._calls = 0

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """Count the call, and fail in time."""
        self._calls += 1
        loss = super().forward(input, target)
        return self._fail(input, target) if self._calls == self._call else loss


@pytest.fixture
def with_loss(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the learners of this test fail in their loss function."""
    build = models.learner

    def use(fail: Loss, *, call: int = 6) -> None:
        def learner(*arguments: object, **named: object) -> Learner:
            learn = build(*arguments, **named)
            learn.loss_func = FailingLoss(fail, call)
            return learn

        monkeypatch.setattr(models, "learner", learner)

    return use


def nan(pred: torch.Tensor, _target: torch.Tensor) -> torch.Tensor:
    """Give a loss that is no number, on the graph of the predictions."""
    return pred.sum() * float("nan")


def raising(error: BaseException) -> Loss:
    """Make a loss function that raises."""

    def fail(_pred: torch.Tensor, _target: torch.Tensor) -> torch.Tensor:
        raise error

    return fail


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_before_it_spoils_the_weights(
    frame: pd.DataFrame,
    photos: Path,
    with_loss: Callable[..., None],
    value: float,
) -> None:
    with_loss(lambda pred, _target: pred.sum() * value)
    ledger = Ledger("run-a")

    with pytest.raises(NotFiniteError) as caught:
        training.train(describe(frame, photos, fine_tune()), ledger, FakeJob())

    assert "in batch 1 of epoch 1 of this stage" in caught.value.sentence
    assert "lower learning rate" in caught.value.hint
    assert ledger.n_steps == 3


def test_a_valid_loss_that_is_no_number_ends_the_run_too(
    frame: pd.DataFrame, photos: Path, with_loss: Callable[..., None]
) -> None:
    with_loss(nan, call=5)

    with pytest.raises(NotFiniteError, match="became nan in valid batch 2 of epoch 1"):
        training.train(describe(frame, photos, fine_tune()), Ledger("run-a"), FakeJob())


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 99999999999 bytes. Error code 12"
        ),
        MemoryError("no memory"),
    ],
)
def test_a_lack_of_memory_suggests_half_the_batch_size(
    frame: pd.DataFrame, photos: Path, with_loss: Callable[..., None], error: BaseException
) -> None:
    with_loss(raising(error))

    with pytest.raises(OutOfMemoryError) as caught:
        training.train(describe(frame, photos, fine_tune()), Ledger("run-a"), FakeJob())

    assert "a batch of 8 images" in caught.value.sentence
    assert "a batch size of 4" in caught.value.hint


def test_a_bug_keeps_its_own_error(
    frame: pd.DataFrame, photos: Path, with_loss: Callable[..., None]
) -> None:
    with_loss(raising(RuntimeError("shapes do not match")))

    with pytest.raises(RuntimeError, match="shapes do not match"):
        training.train(describe(frame, photos, fine_tune()), Ledger("run-a"), FakeJob())


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("part", ["train", "valid"])
def test_a_corrupt_image_fails_the_run_and_is_named(
    frame: pd.DataFrame, photos: Path, tmp_path: Path, workers: int, part: str
) -> None:
    root = tmp_path / "copy"
    for path in frame["path"]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes((photos / path).read_bytes())
    broken = frame.loc[frame["part"] == part, "path"].iloc[-1]
    (root / broken).write_bytes((root / broken).read_bytes()[:-900])

    with pytest.raises(UnreadableImageError) as caught:
        training.train(
            describe(frame, root, fine_tune(n_workers=workers)), Ledger("run-a"), FakeJob()
        )

    assert broken in caught.value.sentence
    assert "Traceback" not in caught.value.sentence
    assert len(caught.value.sentence.splitlines()) == 1
    assert "clude" in caught.value.hint


def test_a_loader_process_that_is_killed_is_explained() -> None:
    message = "DataLoader worker (pid 7) is killed by signal: Killed. "

    with pytest.raises(EngineError) as caught, failures.explained(batch_size=8):
        raise RuntimeError(message)

    assert "fewer loader processes" in caught.value.hint


def test_one_class_cannot_be_trained(frame: pd.DataFrame, photos: Path) -> None:
    one = frame[frame["label"] == "red"]

    with pytest.raises(RecipeError, match="have 1 class, and a classifier needs at least 2"):
        training.train(describe(one, photos, fine_tune()), Ledger("run-a"), FakeJob())


def test_a_fit_without_valid_images_is_refused(frame: pd.DataFrame, photos: Path) -> None:
    train = frame[frame["part"] == "train"]

    with pytest.raises(RecipeError, match="no valid images"):
        training.train(describe(train, photos, fine_tune()), Ledger("run-a"), FakeJob())


def test_a_batch_larger_than_train_is_refused(frame: pd.DataFrame, photos: Path) -> None:
    recipe = fine_tune(batch_size=31)

    with pytest.raises(RecipeError, match="31 images is more than the 30 train images"):
        training.train(describe(frame, photos, recipe), Ledger("run-a"), FakeJob())


def test_a_failed_run_has_a_sentence_in_its_row_and_keeps_its_curve(
    registered: Registered, with_loss: Callable[..., None]
) -> None:
    registered.queue_run("run-a", fine_tune())
    with_loss(nan)

    worker.work_on("run", "run-a")

    row = row_of(schema.runs, "run-a")
    assert row["status"] == "failed"
    assert row["error"].startswith("The loss became nan in batch 1")
    assert "lower learning rate" in row["hint"]
    assert len(frames.load(files.run_steps("run-a"))) == 3


def test_a_killed_worker_leaves_a_row_that_the_sweep_marks_lost(registered: Registered) -> None:
    registered.queue_run("run-a", fine_tune())
    command = [sys.executable, "-m", "core.engine.worker", "run", "run-a"]

    with subprocess.Popen(command, cwd=PROJECT) as process:
        wait_until(lambda: row_of(schema.runs, "run-a")["pid"] is not None)
        process.kill()

    assert jobs.sweep(schema.runs) == ["run-a"]
    assert row_of(schema.runs, "run-a")["status"] == "lost"
