"""The state of a run after a whole epoch: what it needs to go on as if it had never ended."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.callback.training import GradientAccumulation
from fastai.learner import Learner, get_model
from fastcore.foundation import L
from torch import nn

from core.domain.errors import StoreError
from core.engine import packing
from core.store import files

FORMAT = 1
N_COPIES = 3
"""Room for so many times the weights: weights, the optimiser's two averages of them."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where in a run a checkpoint lies; the stage is the one to go on with."""

    stage: int
    stage_epochs: int  # of that stage, that are done
    epoch: int  # of the run, that are done
    n_steps: int
    values: dict[str, Any]  # model, optimiser, random states, and what else was kept


def save(run_id: str, point: Point) -> None:
    """Put a checkpoint in the place of the one before, atomically."""
    place = {
        "format": FORMAT,
        "stage": point.stage,
        "stage_epochs": point.stage_epochs,
        "epoch": point.epoch,
        "n_steps": point.n_steps,
    }
    packing.save(files.run_checkpoint(run_id), {**point.values, "place": place})


def find(run_id: str) -> Point | None:
    """Find the checkpoint of a run; raise StoreError where it is damaged."""
    path = files.run_checkpoint(run_id)
    if not path.exists():
        return None
    values = packing.load(path)
    place = values.pop("place")
    if place.pop("format") != FORMAT:
        raise StoreError(
            f"The checkpoint {path} was written by another version of Winnow.",
            hint="Start the run again from its beginning.",
        )
    return Point(**place, values=values)


def remove(run_id: str) -> None:
    """Drop what a finished run needs no more."""
    files.run_checkpoint(run_id).unlink(missing_ok=True)
    shutil.rmtree(files.run_epoch_losses(run_id, 0).parent, ignore_errors=True)


def check_room(run_id: str, learn: Learner) -> None:
    """Raise StoreError where the disk has no room for the checkpoints of this model."""
    n_bytes = sum(each.numel() * each.element_size() for each in learn.model.parameters())
    needed = 2 * N_COPIES * n_bytes  # the old one and the new one
    free = shutil.disk_usage(files.run_folder(run_id)).free
    if free < needed:
        raise StoreError(
            f"The disk of Winnow's home has {free / 1e6:.0f} MB free, and the checkpoints of this "
            f"network need {needed / 1e6:.0f} MB.",
            hint="Free space, or set WINNOW_HOME to a folder on a larger disk.",
        )


def of_learner(learn: Learner, model: nn.Module) -> dict[str, Any]:
    """Give what the whole model, and the learner that trains it or its head, are just now."""
    smooth = learn.recorder.smooth_loss
    scaler = getattr(learn, "scaler", None)
    return {
        "model": get_model(model).state_dict(),
        "added_up": _added_up(learn, model),
        "optimiser": learn.opt.state_dict(),
        "smooth_loss": {"count": smooth.count, "val": torch.as_tensor(smooth.val)},
        "scaler": scaler.state_dict() if scaler is not None else None,
    }


def _added_up(learn: Learner, model: nn.Module) -> dict[str, Any] | None:
    """Give the gradients that wait for more images to become a step, where there are any.

    fastai keeps them at the end of a stage, too: they enter the next one's first step.
    """
    waiting = [each for each in learn.cbs if isinstance(each, GradientAccumulation)]
    if not waiting or waiting[0].count == 0:
        return None
    gradients = [each.grad for each in get_model(model).parameters()]
    return {"count": waiting[0].count, "gradients": gradients}


def restore_gradients(model: nn.Module, values: dict[str, Any]) -> None:
    """Put gradients that were added up without a step back."""
    if values["added_up"] is None:
        return
    gradients = values["added_up"]["gradients"]
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        if gradient is not None:
            parameter.grad = gradient.to(parameter.device)


def restore_optimiser(learn: Learner, values: dict[str, Any]) -> None:
    """Put an optimiser's hyper-parameters and averages back."""
    found = dict(values["optimiser"])
    found["hypers"] = L(dict(hypers) for hypers in found["hypers"])
    learn.opt.load_state_dict(_on_device(found, next(learn.model.parameters()).device))


def _on_device(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _on_device(inner, device) for key, inner in value.items()}
    if isinstance(value, L):
        return L(_on_device(inner, device) for inner in value)
    if isinstance(value, list):
        return [_on_device(inner, device) for inner in value]
    return value


class Resumer(Callback):
    """Give recorder, scaler and accumulation of a continued stage what they had."""

    order = 55  # after Recorder and MixedPrecision begin anew

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__()
        self._values = values

    def before_fit(self) -> None:
        """Put the smoothed loss, the scale, and the images without a step back."""
        smooth = self.learn.recorder.smooth_loss
        smooth.count, smooth.val = self._values["smooth_loss"].values()
        scaler = getattr(self.learn, "scaler", None)
        if scaler is not None and self._values["scaler"]:
            scaler.load_state_dict(self._values["scaler"])
        added_up = self._values["added_up"]
        for each in self.learn.cbs:
            if isinstance(each, GradientAccumulation) and added_up is not None:
                each.count = added_up["count"]


class Keeper(Callback):
    """Write a checkpoint after each whole epoch, once all others have noted it."""

    order = 85  # before Stopper, which may end the fit there

    def __init__(self, keep: Callable[[], None]) -> None:
        super().__init__()
        self._keep = keep

    def after_epoch(self) -> None:
        """Write it."""
        self._keep()
