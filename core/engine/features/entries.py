"""What cached activations are of: a body that sees images in one way, and a view of an image."""

import hashlib
import json
from collections.abc import Iterable
from importlib import metadata

from torch import nn, uint8

from core.domain import archs
from core.domain.recipes import Recipe
from core.engine import environment
from core.engine.normalising import Statistics

FORMAT = 1
"""Goes up when the same key would mean other numbers."""

ENVIRONMENT = (
    *("torch", "torchvision", "fastai", "pillow", "numpy"),
    *("device", "cpu", "n_torch_threads"),
)
"""What of a run's environment moves a bit of the activations."""

PLAIN = "plain"
"""The view that valid images are measured with."""

Entry = tuple[str, str]
"""The content hash of an image, and the name of a view of it."""


def key(body: nn.Module, recipe: Recipe, statistics: Statistics | None, *, device: str) -> str:
    """Make the name under which the activations of a body are kept.

    It stands for all that moves a bit of them: weights, sizes, how pixels are read, normalised
    and computed with. Random resized crops (`min_scale`) cut valid images in a way of their own.
    Versions, device and threads are among it: other ones round otherwise, and a run that took
    activations of before an upgrade would not be what its recorded environment gives.
    """
    known = environment.describe()
    facts = {
        "format": FORMAT,
        "arch": recipe.arch,
        "weights": weights_digest(body),
        "pooled": "concat" if recipe.concat_pool else "average",
        "presize_px": recipe.presize_px,
        "resize": recipe.resize,
        "size_px": recipe.size_px,
        "min_scale": recipe.augmentation.min_scale,
        "statistics": statistics,
        "input": recipe.input,
        "precision": recipe.precision,
        "memory_format": recipe.memory_format,
        "device": device,
        "environment": {name: known[name] for name in ENVIRONMENT},
        "timm": metadata.version("timm") if recipe.arch.startswith(archs.TIMM) else None,
    }
    return _digest([json.dumps(facts, sort_keys=True).encode()])


def entry(content_hash: str, view: int, recipe: Recipe) -> Entry:
    """Name a view of an image: 0 is the plain one, the others depend on the augmentation."""
    if view == 0:
        return content_hash, PLAIN
    augmentation = recipe.augmentation.model_dump_json().encode()
    return content_hash, f"{_digest([augmentation])}-{view}"


def seed(content_hash: str, view: int) -> int:
    """Give the seed of an augmented view: the same in all runs."""
    mixed = hashlib.blake2b(f"{view}:{content_hash}".encode(), digest_size=4)
    return int.from_bytes(mixed.digest(), "big")


def weights_digest(module: nn.Module) -> str:
    """Hash all that a module's `state_dict` holds, names included."""
    parts = []
    for name, values in module.state_dict().items():
        parts.append(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        parts.append(values.detach().cpu().contiguous().reshape(-1).view(uint8).numpy().tobytes())
    return _digest(parts)


def _digest(parts: Iterable[bytes]) -> str:
    mixed = hashlib.blake2b(digest_size=16)
    for part in parts:
        mixed.update(part)
    return mixed.hexdigest()
