"""Several processes share a fit: on a CPU, over gloo."""

import itertools
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.training import GradientAccumulation
from fastai.data.core import DataLoaders, TfmdDL
from fastai.learner import Learner
from fastai.metrics import accuracy
from torch import nn

from core.domain.errors import EngineError, OutOfMemoryError, RecipeError
from core.domain.recipes import NO_AUGMENTATION, Stage
from core.engine import collecting, describing, parallel, seeding, sharing, stages
from core.engine.scenes import Scenes
from core.store import files
from tests.engine.conftest import PROJECT, FakeJob, Registered, fine_tune

pytestmark = pytest.mark.engine

N_TRAIN, N_VALID, BATCH = 26, 11, 8


class Seen(Callback):
    """Remember what callbacks are shown of each batch."""

    order = 75

    def __init__(self) -> None:
        super().__init__()
        self.train: list[torch.Tensor] = []
        self.valid: list[torch.Tensor] = []
        self.losses: list[float] = []

    def after_batch(self) -> None:
        """Copy the targets, and the loss of a train batch."""
        kept = self.train if self.learn.training else self.valid
        kept.append(self.learn.yb[0].clone())
        if self.learn.training:
            self.losses.append(self.learn.loss.item())


def learner(path: Path) -> Learner:
    """Make a network without batch norm; each item's target is its number."""
    torch.manual_seed(0)
    rows = [(torch.randn(4), torch.tensor(index)) for index in range(N_TRAIN + N_VALID)]
    train = TfmdDL(rows[:N_TRAIN], bs=BATCH, shuffle=True, drop_last=True, num_workers=0)
    dls = DataLoaders(train, TfmdDL(rows[N_TRAIN:], bs=BATCH, num_workers=0), device="cpu")
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, N_TRAIN + N_VALID))
    made = Learner(dls, model, loss_func=nn.CrossEntropyLoss(), metrics=accuracy, path=path)
    made.logger = lambda _values: None
    seeding.seed_fit(dls, 1)
    return made


def fit_shared(rank: int, port: int, path: Path, *callbacks: Callback) -> Learner:
    """Fit two epochs as one of two processes."""
    group = sharing.join(rank, 2, port)
    learn = learner(path)
    with sharing.shared(learn, group):
        learn.fit(2, lr=0.05, cbs=[GradientAccumulation(2 * BATCH), *callbacks])
    sharing.leave()
    return learn


def follow(port: int, path: Path) -> None:
    """Be the other process, and leave the weights in a file."""
    torch.save(fit_shared(1, port, path).model.state_dict(), path / "other")


def test_two_processes_fit_as_one_does_with_the_same_batches(tmp_path: Path) -> None:
    alone, seen_alone, seen = learner(tmp_path), Seen(), Seen()
    port = parallel._free_port()
    other = multiprocessing.get_context("fork").Process(
        target=follow, args=(port, tmp_path), daemon=True
    )

    other.start()
    shared = fit_shared(0, port, tmp_path, seen)
    other.join()
    alone.fit(2, lr=0.05, cbs=[GradientAccumulation(2 * BATCH), seen_alone])

    theirs = torch.load(tmp_path / "other", weights_only=True)
    for name, weights in shared.model.state_dict().items():
        assert torch.equal(weights, theirs[name])
        assert torch.allclose(weights, alone.model.state_dict()[name], atol=1e-5, rtol=0)
    assert [each.tolist() for each in seen.train] == [each.tolist() for each in seen_alone.train]
    assert torch.cat(seen.valid).tolist() == 2 * list(range(N_TRAIN, N_TRAIN + N_VALID))
    assert seen.losses == pytest.approx(seen_alone.losses, abs=1e-5)
    for one, same in zip(shared.recorder.values, alone.recorder.values, strict=True):
        assert list(one) == pytest.approx(list(same), abs=1e-5)
    assert "create_batches" not in vars(shared.dls.train)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_shares_are_of_one_length_and_make_the_batch(length: int, n: int) -> None:
    batch = list(range(length))

    shares = [sharing.share_of(batch, rank, n) for rank in range(n)]

    assert len({len(share) for share in shares}) == 1
    assert list(itertools.chain(*shares))[:length] == batch


@pytest.mark.parametrize(("size", "n", "better"), [(9, 2, "8"), (2, 2, "4"), (10, 4, "8")])
def test_a_batch_that_cannot_be_shared_evenly_is_refused(size: int, n: int, better: str) -> None:
    with pytest.raises(RecipeError) as caught:
        sharing.check(size, n)

    assert f"batch of {size} images cannot be shared by {n} devices" in caught.value.sentence
    assert caught.value.hint.endswith(f"such as {better}.")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)

    with pytest.raises(RecipeError) as caught:
        parallel.Team("run-a", 2)

    assert "Training on 2 devices needs the package accelerate" in caught.value.sentence
    assert "pip install accelerate" in caught.value.hint


def test_more_devices_than_there_are_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    with pytest.raises(RecipeError, match="wants 2 devices, and this run sees 1"):
        parallel.Team("run-a", 2)


def test_one_device_shares_nothing(tmp_path: Path) -> None:
    learn, alone = learner(tmp_path), learner(tmp_path)
    stage = Stage(epochs=1, lr=0.05)
    seeding.seed_fit(learn.dls, 1)

    with parallel.Team("run-a", 1) as team, team.shared(learn, stage):
        learn.fit(1, lr=0.05)
    seeding.seed_fit(alone.dls, 1)
    alone.fit(1, lr=0.05)

    for one, other in zip(learn.model.parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(one, other)


class StopAfter(Callback):
    """End the fit after so many train batches."""

    order = 90

    def __init__(self, n_batches: int) -> None:
        super().__init__()
        self._n_left = n_batches

    def after_batch(self) -> None:
        """Count."""
        self._n_left -= self.learn.training
        if self._n_left == 0:
            raise CancelFitException("enough")


class Breaks(Callback):
    """Fail in the second train batch, where the other process waits for this one's gradients."""

    def after_pred(self) -> None:
        """Fail."""
        if self.learn.training and self.learn.iter == 1:
            raise ValueError("broken")


def test_a_run_leads_another_process_through_its_stages_and_ends_it(
    registered: Registered,
) -> None:
    recipe = fine_tune(augmentation=NO_AUGMENTATION, head_dropout=0.0, n_devices=2)
    registered.queue_run("run-a", recipe)
    description = describing.load("run-a")
    scenes = Scenes(description, recipe, FakeJob(), folder=files.run_folder("run-a"))
    scenes.learn.logger = lambda _values: None
    head, whole = recipe.stages
    seeding.seed_fit(scenes.batches.dls, 42)
    items = collecting.ItemLosses(scenes.batches, first_epoch=0)
    hashes = []

    with parallel.Team("run-a", 2) as team:
        for stage, more in ((head, [items]), (whole, [StopAfter(4)])):
            scene = scenes.of(stage)
            with team.shared(scene.learn, stage):
                stages.fit(scene.learn, stage, callbacks=[scene.predictions, *more])
            hashes.append(sharing.digest(scene.learn.model))
        (process,) = team._followers
        with pytest.raises(ValueError, match="broken"), team.shared(scenes.learn, whole):
            stages.fit(scenes.learn, whole, callbacks=[Breaks()])

    said = files.run_log("run-a").read_text(encoding="utf-8").splitlines()
    theirs = [line.rpartition(" ")[2] for line in said if "ended a stage with weights" in line]
    assert theirs == hashes
    assert process.returncode is not None
    assert not isinstance(scenes.learn.model, nn.parallel.DistributedDataParallel)
    seen = collecting.train_table(items.parts)
    assert (len(seen), seen["item_id"].is_unique) == (24, True)  # three whole batches
    assert len(collecting.valid_table(scene.predictions, scenes.batches)) == 15


def test_a_process_that_is_left_alone_ends() -> None:
    command = [sys.executable, "-m", "core.engine.follower", "1", "2", "1", "no-run"]

    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.close()

    assert process.wait(timeout=60) == 3


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (1, EngineError, "ended early, with the status 1"),
        (77, OutOfMemoryError, "memory of one of the devices did not suffice"),
    ],
)
def test_a_process_that_cannot_begin_is_told_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    error: type[EngineError],
    sentence: str,
) -> None:
    def start(*_place: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", f"raise SystemExit({status})"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    learn, team = learner(tmp_path), parallel.Team("run-a", 2)
    monkeypatch.setattr(team, "_process", start)

    with pytest.raises(error, match=sentence), team.shared(learn, Stage(epochs=1, lr=0.05)):
        pass
