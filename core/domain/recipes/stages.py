"""One fit inside a recipe."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from core.domain.recipes.numbers import BatchSize, Beta, Decay, SizePx
from core.domain.recipes.rates import LearningRate
from core.domain.recipes.schedules import OneCycle, Schedule, Sgdr
from core.domain.values import Frozen

MOST_EPOCHS = 1000
Trainable = Literal["features", "head", "all"] | Annotated[int, Field(ge=1, le=20)]
"""`features`: the head on cached activations of the body; a number: the last n groups."""

Momentum = tuple[Beta, Beta, Beta] | Beta
"""At the start, the middle and the end of a cycle; or the same all along."""


class Stage(Frozen):
    """One fit inside a recipe: what is trained, how long, how fast, and at what size.

    What is None is taken from the recipe (sizes), from the optimiser (weight decay), or from the
    schedule's own habit (momentum: 0.95, 0.85, 0.95 in one-cycle, else the optimiser's).
    """

    train: Trainable = "all"
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)]  # follows from the cycles of SGDR
    lr: LearningRate
    schedule: Schedule = OneCycle()
    size_px: SizePx | None = None
    batch_size: BatchSize | None = None
    wd: Decay | None = None
    momentum: Momentum | None = None

    @model_validator(mode="before")
    @classmethod
    def _epochs_of_cycles(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        schedule = given.get("schedule")
        if isinstance(schedule, Mapping) and schedule.get("kind") == "sgdr":
            schedule = Sgdr.model_validate(schedule)
        if isinstance(schedule, Sgdr):
            return {**given, "epochs": schedule.n_epochs}
        return given

    @model_validator(mode="after")
    def _momentum_fits(self) -> "Stage":
        if isinstance(self.momentum, tuple) and not isinstance(self.schedule, OneCycle):
            raise ValueError(
                "momentum moves over a cycle in one_cycle only: give one number for "
                f"{self.schedule.kind}"
            )
        return self


def trained_in_words(found: Trainable) -> str:
    """Say what a stage trains."""
    if isinstance(found, int):
        return "the last group" if found == 1 else f"the last {found} groups"
    return IN_WORDS[found]


IN_WORDS = {"features": "the head on cached features", "head": "the head", "all": "all layers"}
