"""Optional packages that a recipe asks for: is each of them installed?"""

import re
from collections.abc import Iterator
from functools import cache
from importlib import util
from pathlib import Path

from core.domain import archs
from core.domain.advice import Advice
from core.domain.recipes import Recipe

REGISTERED = re.compile(r"^@register_model\s*\ndef (\w+)\(", re.MULTILINE)


def is_installed(package: str) -> bool:
    """Say whether a package can be imported, without importing it."""
    return util.find_spec(package) is not None


def missing(recipe: Recipe) -> tuple[Advice, ...]:
    """Refuse what needs a package that is not installed, with the line that installs it."""
    return tuple(
        Advice(
            level="refused",
            field=field,
            sentence=f"{what} needs the package {package}, which is not installed.",
            hint=f"Install it with: pip install {package}",
        )
        for field, package, what in _needed(recipe)
        if not is_installed(package)
    )


@cache
def list_timm() -> tuple[str, ...]:
    """List the networks of timm, sorted, as recipes name them; none where it is not installed.

    The names are read from timm's source: importing it would import torch.
    """
    spec = util.find_spec("timm")
    if spec is None or spec.origin is None:
        return ()
    sources = (Path(spec.origin).parent / "models").rglob("*.py")
    found = {name for path in sources for name in REGISTERED.findall(path.read_text("utf-8"))}
    return tuple(f"{archs.TIMM}{name}" for name in sorted(found))


def _needed(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Give field, package, and what needs it."""
    if recipe.arch.startswith(archs.TIMM):
        yield "arch", "timm", f"The network {recipe.arch}"
    if recipe.n_devices > 1:
        yield "n_devices", "accelerate", f"Training on {recipe.n_devices} devices"
    for package, name in (
        ("tensorboard", "TensorBoard"),
        ("wandb", "Weights & Biases"),
        ("mlflow", "MLflow"),
    ):
        if getattr(recipe.tracking, package):
            yield f"tracking.{package}", package, f"Writing to {name}"
