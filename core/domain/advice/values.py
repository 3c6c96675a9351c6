"""A piece of advice, and what it is given about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from core.domain.recipes import Recipe

Level = Literal["refused", "warning"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a run would train on."""

    n_classes: int
    is_multi_label: bool
    n_train: int  # images
    n_valid: int
    smallest_class: int | None  # train images of the smallest class; None: not known
    n_gpus: int = 1  # that runs of this machine can take


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One sentence about a field of a recipe, and what to do."""

    level: Level
    field: str  # dotted, as in the file of a recipe: `stages.0.train`
    sentence: str
    hint: str


Rule = Callable[[Recipe, Facts], Iterable[Advice]]


def refused(field: str, sentence: str, hint: str) -> Advice:
    """Make a refusal: with it nothing can be started."""
    return Advice(level="refused", field=field, sentence=sentence, hint=hint)


def warning(field: str, sentence: str, hint: str) -> Advice:
    """Make a warning: it can be started, and is probably not what was meant."""
    return Advice(level="warning", field=field, sentence=sentence, hint=hint)
