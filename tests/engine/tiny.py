"""A network of two layers on random numbers: a fit takes milliseconds."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.optimizer import Adam
from torch import nn

N_CLASSES, N_TRAIN, N_VALID, BATCH_SIZE = 4, 24, 10, 8


class Watch(Callback):
    """Keep the loss of each train batch, and the outputs of all batches."""

    order = 70

    def __init__(self) -> None:
        super().__init__()
        self.step_losses: list[float] = []
        self.outputs: list[torch.Tensor] = []

    def after_loss(self) -> None:
        self.outputs.append(self.learn.pred.detach().clone())
        if self.learn.training:
            self.step_losses.append(self.learn.loss.item())


def targets(n_items: int) -> list[int]:
    """Make class numbers that are not balanced; the last class has no item."""
    return [number * number % 7 % N_CLASSES for number in range(n_items)]


def one_hot(numbers: Sequence[int]) -> list[torch.Tensor]:
    return list(nn.functional.one_hot(torch.tensor(numbers), N_CLASSES).float())


def loaders(
    train: Sequence[Any] | None = None, valid: Sequence[Any] | None = None, *, shape: Any = (6,)
) -> DataLoaders:
    """Make loaders of random inputs and these targets, always in the same order."""
    draw = torch.Generator().manual_seed(3)
    wanted = (
        targets(N_TRAIN) if train is None else train,
        targets(N_VALID) if valid is None else valid,
    )
    made = []
    for part, goals in enumerate(wanted):
        inputs = torch.randn((len(goals), *shape), generator=draw)
        pairs = [(each, torch.as_tensor(goal)) for each, goal in zip(inputs, goals, strict=True)]
        made.append(DataLoader(pairs, bs=BATCH_SIZE, drop_last=part == 0, num_workers=0))
    return DataLoaders(*made, device=torch.device("cpu"))


def network() -> nn.Module:
    return nn.Sequential(
        nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU()), nn.Linear(12, N_CLASSES)
    )


def image_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    )


def learner(dls: DataLoaders | None = None, **named: Any) -> Learner:
    """Make a learner of the same weights each time."""
    torch.manual_seed(5)
    make: Callable[[], nn.Module] = named.pop("make", network)
    plain: dict[str, Any] = {"loss_func": nn.CrossEntropyLoss(), "opt_func": Adam, "lr": 0.02}
    learn = Learner(dls or loaders(), make(), **(plain | named))
    learn.remove_cb(ProgressCallback)
    learn.logger = lambda _values: None
    return learn


def watched(learn: Learner, *, epochs: int = 2, callbacks: Sequence[Callback] = ()) -> Watch:
    """Fit, and give what was seen of it."""
    watch = Watch()
    torch.manual_seed(7)
    learn.fit(epochs, cbs=[watch, *callbacks])
    return watch


def step_losses(dls: DataLoaders | None = None, **named: Any) -> list[float]:
    """Fit two epochs and give the loss of each step."""
    callbacks = named.pop("callbacks", ())
    return watched(learner(dls, **named), callbacks=callbacks).step_losses
