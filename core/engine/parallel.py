"""The run's own process as the leader of others that share its fits, one a device.

The others (`core.engine.follower`) do what lines of JSON in their standard input tell them, batch
by batch, and end when it ends: so none outlives the run's process, however that ends. They write
nothing but to the run's log. Whatever else a run does, it does alone; they wait.
"""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import util
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.learner import Learner

from core.domain.errors import EngineError, OutOfMemoryError, RecipeError
from core.domain.recipes import Stage
from core.engine import environment, packing, seeding, sharing
from core.engine.follower import OUT_OF_MEMORY
from core.store import files

log = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[2]
END_SECONDS = 5.0
"""How long a process that was told to end, or may be dying, is waited for."""


def check(n_devices: int) -> None:
    """Raise RecipeError where so many devices cannot be used.

    On a machine without a GPU a device is a process of its own, so any number will do.
    """
    if n_devices == 1:
        return
    if util.find_spec("accelerate") is None:
        raise RecipeError(
            f"Training on {n_devices} devices needs the package accelerate, which is not "
            "installed here.",
            hint="Install it with: pip install accelerate, or train on 1 device.",
        )
    if torch.cuda.is_available() and torch.cuda.device_count() < n_devices:
        raise RecipeError(
            f"The recipe wants {n_devices} devices, and this run sees "
            f"{torch.cuda.device_count()}.",
            hint=f"Set the number of devices to {torch.cuda.device_count()} or less.",
        )


class Team:
    """The processes of one run; leave it with a `with` block, and none is left.

    They are started with the first stage that is shared, and again after a fit that raised.
    """

    def __init__(self, run_id: str, n_devices: int) -> None:
        check(n_devices)
        self._run_id, self._n = run_id, n_devices
        self._followers: list[subprocess.Popen[bytes]] = []
        self._group: sharing.Group | None = None
        self._n_threads = torch.get_num_threads()

    def __enter__(self) -> "Team":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def shared(
        self,
        learn: Learner,
        stage: Stage,
        *,
        first_epoch: int = 0,
        accumulate: int | None = None,
    ) -> Iterator[None]:
        """Have the fit inside shared by all devices; on one device, do nothing.

        Inside, `stages.fit` is called once with this learner, stage and first epoch; the stage's
        rate is resolved, and what it trains is set. `accumulate` is the images a step where that
        is not in the recipe, as after a lack of memory. `learn.model` is wrapped inside:
        `fastai.learner.get_model` gives the model. Augmentation and dropout draw other numbers
        than on one device.

        Raises RecipeError where a batch cannot be shared evenly, OutOfMemoryError and EngineError
        where another process ended.
        """
        if self._n == 1:
            yield
            return
        sharing.check(learn.dls.train.bs, self._n)
        try:
            group = self._group or self._start()
            self._hand_over(learn, stage, first_epoch, accumulate)
            with sharing.shared(learn, group), learn.added_cbs([Lead(self)]):
                yield
            self._handed_over.unlink(missing_ok=True)
        except RuntimeError as error:
            lost = self._who_ended()
            self.close()
            if lost is not None:
                raise lost from error
            raise
        except BaseException:
            self.close()  # the others wait for a batch that does not come
            raise

    def tell(self, said: dict[str, Any]) -> None:
        """Send a line to all other processes."""
        line = json.dumps(said).encode() + b"\n"
        for process in self._followers:
            assert process.stdin is not None
            try:
                process.stdin.write(line)
                process.stdin.flush()
            except BrokenPipeError:
                raise self._who_ended() or _ended(process) from None

    def close(self) -> None:
        """End the other processes."""
        followers, self._followers = self._followers, []
        for process in followers:
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.close()
        for process in followers:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if followers:
            self._handed_over.unlink(missing_ok=True)
            sharing.leave()
            torch.set_num_threads(self._n_threads)
        self._group = None

    def _start(self) -> sharing.Group:
        """Start the other processes and meet them; they take seconds to import fastai."""
        port, n_threads = _free_port(), max(1, self._n_threads // self._n)
        for rank in range(1, self._n):
            self._followers.append(self._process(rank, port, n_threads))
        for process in self._followers:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                process.wait(END_SECONDS)
                raise self._who_ended() or _ended(process)
        torch.set_num_threads(n_threads)
        self._group = sharing.join(0, self._n, port)
        log.info("%d processes share the batches", self._n)
        return self._group

    def _process(self, rank: int, port: int, n_threads: int) -> subprocess.Popen[bytes]:
        numbers = [str(number) for number in (rank, self._n, port)]
        with files.run_log(self._run_id).open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "core.engine.follower", *numbers, self._run_id],
                cwd=PROJECT,
                env={**os.environ, environment.THREADS: str(n_threads)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )

    @property
    def _handed_over(self) -> Path:
        return files.run_folder(self._run_id) / "shared.safetensors"

    def _hand_over(
        self, learn: Learner, stage: Stage, first_epoch: int, accumulate: int | None
    ) -> None:
        """Give the others weights, optimiser and generators as they are, and what to fit."""
        if learn.opt is None:
            learn.create_opt()
        state = {
            "model": learn.model.state_dict(),
            "optimiser": learn.opt.state_dict(),
            "loaders": seeding.capture_loaders(learn.dls.loaders),
        }
        packing.save(self._handed_over, state)
        sized = stage.model_copy(update={"batch_size": learn.dls.train.bs})
        self.tell(
            {
                "fit": sized.model_dump(mode="json"),
                "first_epoch": first_epoch,
                "accumulate": accumulate,
                "state": str(self._handed_over),
            }
        )

    def _who_ended(self) -> EngineError | None:
        """Find the process that ended, and what that means; None where all live."""
        for process in self._followers:
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS / (self._n - 1))
                return _ended(process)
        return None


class Lead(Callback):
    """Tell the others before each epoch and each train batch to go on, or that it is over."""

    order = 95  # when nobody may end the fit any more before the batch

    def __init__(self, team: Team) -> None:
        super().__init__()
        self._team = team

    def before_epoch(self) -> None:
        """Go on, with generators of their own that follow from this process's."""
        self._team.tell({"go": int(torch.randint(2**31, (1,)))})

    def before_batch(self) -> None:
        """Go on with a train batch; validation is never broken off."""
        if self.learn.training:
            self._team.tell({"go": None})

    def after_cancel_fit(self) -> None:
        """End the others' fit where this one was ended early."""
        self._team.tell({"end": True})


def _ended(process: subprocess.Popen[bytes]) -> EngineError:
    if process.returncode == OUT_OF_MEMORY:
        return OutOfMemoryError(
            "The memory of one of the devices did not suffice for its share of a batch.",
            hint="Try a smaller batch size, or a smaller train size.",
        )
    return EngineError(
        f"A process that shares the run's work ended early, with the status {process.returncode}.",
        hint="The run's log has the details.",
    )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
