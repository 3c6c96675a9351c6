"""What makes a fit the same twice: every generator seeded, those of the loaders too."""

import random

from fastai.data.core import DataLoaders
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
