"""What a tracker is asked to write, and where in a run it is asked."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from core.domain.errors import RecipeError


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run is: all three count from 0, epochs and steps over all stages."""

    stage: int
    epoch: int  # the one that is trained
    n_steps: int  # that are done


class Sink(Protocol):
    """One place that a run is written to; whatever it raises switches it off."""

    name: str

    def begin(self, place: Place) -> None:
        """Get ready for a stage, or for the rest of one; what lies after the place is void."""

    def step(self, place: Place, values: Mapping[str, float]) -> None:
        """Write what a train batch gave."""

    def epoch(self, place: Place, values: Mapping[str, float], *, seconds: float) -> None:
        """Write what an epoch measured: losses and metrics by name."""

    def close(self) -> None:
        """Write what is not written yet, and let go."""


def package(name: str, *, what: str, install: str) -> ModuleType:
    """Import an optional package; raise RecipeError with the line that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RecipeError(
            f"{what} needs the package {install}, which is not installed here.",
            hint=f"Install it with: pip install {install}, or switch this tracking off.",
        ) from error
