"""Optional packages that a recipe asks for: is each of them installed and set up?"""

import difflib
import os
import re
from collections.abc import Iterator
from functools import cache
from importlib import util
from pathlib import Path

from core.domain import archs
from core.domain.advice import Advice
from core.domain.errors import RecipeError
from core.domain.recipes import Recipe

REGISTERED = re.compile(r"^@register_model\s*\ndef (\w+)\(", re.MULTILINE)


WANDB_OFFLINE = ("offline", "dryrun", "disabled")
"""Values of WANDB_MODE with which nothing is sent, so no key is needed."""

VARIABLES = {
    "wandb": (
        "WANDB_API_KEY",
        "Set it where Winnow is started, or WANDB_MODE=offline to keep the run here.",
    ),
    "mlflow": (
        "MLFLOW_TRACKING_URI",
        "Set it to a server's address where Winnow is started.",
    ),
}
"""The variable that sets a tracker up, and what to do where it is not set."""

MOST_NEAR = 5


def is_installed(package: str) -> bool:
    """Say whether a package can be imported, without importing it."""
    return util.find_spec(package) is not None


def missing(recipe: Recipe) -> tuple[Advice, ...]:
    """Refuse what needs a package that is not installed, or a variable that is not set."""
    found = []
    for field, package, what in _needed(recipe):
        if not is_installed(package):
            sentence = f"{what} needs the package {package}, which is not installed."
            hint = f"Install it with: pip install {package}"
        elif package in VARIABLES and not _is_set_up(package):
            variable, hint = VARIABLES[package]
            sentence = f"{what} needs the variable {variable}, which is not set."
        else:
            continue
        found.append(Advice(level="refused", field=field, sentence=sentence, hint=hint))
    return tuple(found)


def check_timm(arch: str) -> None:
    """Raise RecipeError where timm has no network of that name; its tags it knows alone.

    Says nothing of other names, and where timm is not installed.
    """
    known = [name.removeprefix(archs.TIMM) for name in list_timm()]
    bare = arch.removeprefix(archs.TIMM).partition(".")[0]
    if not arch.startswith(archs.TIMM) or not known or bare in known:
        return
    near = difflib.get_close_matches(bare, known, n=MOST_NEAR, cutoff=0.5)
    raise RecipeError(
        f"timm has no network called {bare!r:.80}.",
        hint=f"Near to it are {', '.join(near)}." if near else "Search for a part of the name.",
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


def _is_set_up(tracker: str) -> bool:
    is_offline = tracker == "wandb" and os.environ.get("WANDB_MODE") in WANDB_OFFLINE
    return is_offline or bool(os.environ.get(VARIABLES[tracker][0]))


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
