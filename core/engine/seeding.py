"""What makes a fit the same twice: every generator seeded, kept and put back, the loaders' too."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from fastai.data.core import DataLoaders, TfmdDL
from fastai.torch_core import set_seed


def seed_all(seed: int) -> None:
    """Seed Python, numpy and torch; done before the loaders and the model are made."""
    set_seed(seed, reproducible=True)


def seed_fit(dls: DataLoaders, seed: int) -> None:
    """Seed again right before the first fit, and each loader's own generator with it.

    A loader keeps a generator that `set_seed` does not reach: without this, whatever read a
    batch before the fit would change the fit.
    """
    seed_all(seed)
    for index, loader in enumerate(dls.loaders):
        loader.rng = random.Random(seed + index)  # fastai's name for it


def capture(loaders: Sequence[TfmdDL]) -> dict[str, Any]:
    """Give the states of all generators that a fit draws from, as plain values and tensors."""
    numpy_state: Any = np.random.get_state()
    kind, keys, position, has_gauss, gauss = numpy_state
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": random.getstate(),
        "numpy": [kind, keys.tolist(), int(position), int(has_gauss), float(gauss)],
        "torch": torch.get_rng_state(),
        "cuda": cuda,
        "loaders": capture_loaders(loaders),
    }


def capture_loaders(loaders: Sequence[TfmdDL]) -> list[Any]:
    """Give the states of the loaders' own generators."""
    return [loader.rng.getstate() for loader in loaders]


def restore(states: dict[str, Any], loaders: Sequence[TfmdDL]) -> None:
    """Put back what `capture` gave, also after it went through a file."""
    random.setstate(_python_state(states["python"]))
    kind, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, gauss))
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available() and states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])
    restore_loaders(states["loaders"], loaders)


def restore_loaders(states: Sequence[Any], loaders: Sequence[TfmdDL]) -> None:
    """Put the loaders' own generators back."""
    for loader, state in zip(loaders, states, strict=True):
        loader.rng.setstate(_python_state(state))


@contextmanager
def isolated(loaders: Sequence[TfmdDL]) -> Iterator[None]:
    """Have whatever happens inside leave no trace in the generators of the fit around it."""
    states = capture(loaders)
    try:
        yield
    finally:
        restore(states, loaders)


def _python_state(state: Sequence[Any]) -> tuple[Any, ...]:
    version, values, gauss = state
    return version, tuple(values), gauss
