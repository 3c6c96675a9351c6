"""Callbacks that change how a fit computes: precision, memory format, and what becomes a step."""

from typing import Any

import torch
from fastai.callback.channelslast import ChannelsLast as ChannelsLastModel
from fastai.callback.core import Callback
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.training import GradientAccumulation, GradientClip

from core.domain.errors import RecipeError
from core.domain.recipes import Recipe


class Bfloat16(Callback):
    """Run forward pass and loss under bfloat16 autocast on a device that is not CUDA.

    fastai's `MixedPrecision` asks for CUDA's autocast by name and changes nothing elsewhere.
    """

    order = MixedPrecision.order

    def __init__(self, device_type: str) -> None:
        super().__init__()
        self._device_type = device_type
        self._autocast: Any = None

    def before_batch(self) -> None:
        """Enter autocast."""
        self._autocast = torch.autocast(self._device_type, dtype=torch.bfloat16)
        self._autocast.__enter__()

    def after_pred(self) -> None:
        """Give loss and metrics predictions of single precision, as `MixedPrecision` does."""
        self.learn.pred = self.learn.pred.float()

    def after_loss(self) -> None:
        """Leave autocast before the backward pass."""
        self._leave()

    def after_cancel_batch(self) -> None:
        """Leave autocast where the batch ended early."""
        self._leave()

    def _leave(self) -> None:
        if self._autocast is not None:
            self._autocast.__exit__(None, None, None)
            self._autocast = None


class ChannelsLast(ChannelsLastModel):
    """Keep weights, and the images of each batch, with the channels innermost."""

    def before_batch(self) -> None:
        """Bring the images into the format; activations without height and width stay."""
        self.learn.xb = tuple(
            each.contiguous(memory_format=torch.channels_last) if each.ndim == 4 else each
            for each in self.learn.xb
        )


def callbacks(recipe: Recipe, device: torch.device) -> list[Callback]:
    """Make what a recipe's precision, memory format, clipping and accumulation need.

    Raises RecipeError where the device cannot do it.
    """
    found: list[Callback] = []
    if recipe.memory_format == "channels_last":
        found.append(ChannelsLast())
    if recipe.precision != "fp32":
        found.append(_mixed(recipe.precision, device))
    if recipe.grad_clip is not None:
        found.append(GradientClip(max_norm=recipe.grad_clip))
    if recipe.accumulate is not None:
        found.append(GradientAccumulation(n_acc=recipe.accumulate))
    return found


def _mixed(precision: str, device: torch.device) -> Callback:
    if device.type == "cuda":
        if precision == "bf16" and not torch.cuda.is_bf16_supported():
            raise RecipeError(
                f"This machine's {torch.cuda.get_device_name(device)} cannot compute in bf16.",
                hint="Choose fp16, or fp32.",
            )
        return MixedPrecision(amp_mode=precision)
    if precision == "fp16":
        raise RecipeError(
            f"The precision fp16 needs a CUDA device, and this run is on the {device.type}.",
            hint="Choose bf16, which a CPU can do, or fp32.",
        )
    return Bfloat16(device.type)
