"""When memory does not suffice: what a failed fit leaves, and how a run goes on."""

from pathlib import Path

import pytest
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from torch import nn

from core.engine import memory
from core.engine.precision import Bfloat16

pytestmark = pytest.mark.engine


class TooLarge(nn.Module):
    """A layer whose activations do not fit."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """Run out of memory."""
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def losses_of(path: Path, model: nn.Module) -> list[float]:
    """Fit three epochs in bfloat16 and give the valid losses."""
    torch.manual_seed(0)
    rows = [(torch.randn(4), torch.tensor(index % 2)) for index in range(32)]
    loaders = DataLoaders(DataLoader(rows, bs=8), DataLoader(rows, bs=8), device="cpu")
    learn = Learner(loaders, model, loss_func=nn.CrossEntropyLoss(), path=path)
    learn.logger = lambda _values: None
    learn.fit(3, lr=0.1, cbs=Bfloat16("cpu"))
    return [values[1] for values in learn.recorder.values]


def small() -> nn.Module:
    """Make a network that fits."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def test_a_fit_after_one_that_ran_out_of_memory_learns_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    expected = losses_of(tmp_path, small())

    with pytest.raises(torch.OutOfMemoryError):
        losses_of(tmp_path, nn.Sequential(nn.Linear(4, 4), TooLarge()))
    memory.let_go()

    assert losses_of(tmp_path, small()) == expected
    assert not torch.is_autocast_enabled("cpu")
    assert len(set(expected)) == 3
