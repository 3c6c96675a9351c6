"""The rate and the momentum at every batch, as fastai sets them."""

import math
from dataclasses import dataclass

from core.domain.recipes import Discriminative, OneCycle, Recipe

MOMENTA = (0.95, 0.85, 0.95)
"""fastai's default momentum at the start, the middle and the end of a cycle."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Rate and momentum of the head at each batch, and the batch each stage starts at."""

    lr: tuple[float, ...]
    momentum: tuple[float, ...]
    stage_starts: tuple[int, ...]


def curve(recipe: Recipe, *, n_batches: int) -> Curve:
    """Draw what a recipe does over all its stages at `n_batches` batches an epoch."""
    lr: list[float] = []
    momentum: list[float] = []
    starts: list[int] = []
    for stage in recipe.stages:
        starts.append(len(lr))
        total = stage.epochs * n_batches
        top = stage.lr.high if isinstance(stage.lr, Discriminative) else stage.lr
        lr += [one_cycle_lr(stage.schedule, top, batch / total) for batch in range(total)]
        momentum += [one_cycle_momentum(stage.schedule, batch / total) for batch in range(total)]
    return Curve(lr=tuple(lr), momentum=tuple(momentum), stage_starts=tuple(starts))


def one_cycle_lr(schedule: OneCycle, top: float, position: float) -> float:
    """Give the rate at a position in 0 to 1, as fastai's `combined_cos` does."""
    values = (top / schedule.div, top, top / schedule.div_final)
    return _combined_cos(schedule.pct_start, values, position)


def one_cycle_momentum(schedule: OneCycle, position: float) -> float:
    """Give the momentum at a position in 0 to 1."""
    return _combined_cos(schedule.pct_start, MOMENTA, position)


def _combined_cos(pct: float, values: tuple[float, float, float], position: float) -> float:
    start, middle, end = values
    if position < pct:
        return _cos(start, middle, position / pct)
    return _cos(middle, end, (position - pct) / (1 - pct))


def _cos(start: float, end: float, position: float) -> float:
    return start + (1 + math.cos(math.pi * (1 - position))) * (end - start) / 2
