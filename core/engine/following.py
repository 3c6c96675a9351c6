"""What a process that shares a run's fits does: the leader's stages, without noting anything."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.training import GradientAccumulation
from fastai.torch_core import set_seed

from core.domain.jobs import Wish
from core.domain.recipes import Stage
from core.engine import (
    checkpoints,
    describing,
    environment,
    failures,
    packing,
    seeding,
    sharing,
    stages,
)
from core.engine.scenes import Scenes
from core.store import files

log = logging.getLogger(__name__)

Receive = Callable[[], dict[str, Any]]


class Alone:
    """A job that nobody watches: the leader's is the one that counts."""

    def report(self, **columns: Any) -> None:
        """Tell nobody."""

    def should_stop(self) -> bool:
        """Go on: the leader says when to end."""
        return False

    def wish(self) -> Wish | None:
        """Want nothing else."""
        return None

    def save_now(self) -> None:
        """Keep nothing."""


class Follow(Callback):
    """Wait before each epoch and each train batch for the leader's word."""

    order = 95  # where the leader gives it

    def __init__(self, receive: Receive, rank: int) -> None:
        super().__init__()
        self._receive, self._rank = receive, rank

    def before_epoch(self) -> None:
        """Go on with generators of this process's own, or end."""
        seed = self._go()
        set_seed((seed + self._rank) % 2**31, reproducible=True)

    def before_batch(self) -> None:
        """Go on with a train batch, or end."""
        if self.learn.training:
            self._go()

    def _go(self) -> Any:
        said = self._receive()
        if "end" in said:
            raise CancelFitException("the leader has ended the fit")
        return said["go"]


def follow(receive: Receive, answer: BinaryIO, run_id: str, place: tuple[int, int, int]) -> None:
    """Build the run's learner, answer `ready`, meet the others, and fit whatever is told.

    `place` is this process's rank, the number of processes, and the port to meet at.
    """
    rank, n, port = place
    environment.set_threads()
    if torch.cuda.is_available():
        torch.cuda.set_device(rank)
    description = describing.load(run_id)
    folder = files.run_folder(run_id)
    scenes = Scenes(description, description.recipe, Alone(), folder=folder)
    scenes.learn.logger = lambda values: None
    answer.write(b"ready\n")
    answer.close()
    group = sharing.join(rank, n, port)
    while True:
        said = receive()
        if "fit" in said:  # else the leader ended a fit that was over here
            _fit(said, scenes, group, receive)


def _fit(said: dict[str, Any], scenes: Scenes, group: sharing.Group, receive: Receive) -> None:
    stage = Stage.model_validate(said["fit"])
    with failures.explained(batch_size=scenes.recipe.batch_size_of(stage)):
        scenes.of(stage)
        learn = scenes.learn
        if learn.opt is None:
            learn.create_opt()
        state = packing.load(Path(said["state"]))
        learn.model.load_state_dict(state["model"])
        checkpoints.restore_optimiser(learn, state)
        seeding.restore_loaders(state["loaders"], learn.dls.loaders)
        callbacks: list[Callback] = [Follow(receive, group.rank)]
        if said["accumulate"] is not None:
            callbacks.append(GradientAccumulation(n_acc=said["accumulate"]))
        with sharing.shared(learn, group):
            stages.fit(learn, stage, callbacks=callbacks, first_epoch=said["first_epoch"])
    log.info("process %d ended a stage with weights %s", group.rank, sharing.digest(learn.model))
