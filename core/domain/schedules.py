"""The rate and the momentum at every batch: what is drawn before a fit is what the fit sets.

The arithmetic is fastai's to the bit (`combine_scheds`, `SchedCos`), single precision included.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.domain.recipes import (
    Auto,
    Constant,
    Discriminative,
    FlatCos,
    LearningRate,
    Momentum,
    OneCycle,
    Recipe,
    Schedule,
    Sgdr,
)

MOMENTA = (0.95, 0.85, 0.95)
"""fastai's default momentum at the start, the middle and the end of a cycle."""

OWN_MOMENTUM = {"adam": 0.9, "sgd": 0.0, "rmsprop": 0.0, "ranger": 0.95, "lamb": 0.9}
"""What fastai's optimisers begin with, where no schedule moves it."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Rate and momentum at each batch, and the batch each stage starts at.

    A rate is None where a range test will choose it (`Auto`) when its stage begins.
    """

    lr: tuple[float | None, ...]  # of the head
    lr_first: tuple[float | None, ...]  # of the first group
    momentum: tuple[float, ...]
    stage_starts: tuple[int, ...]


def curve(recipe: Recipe, *, n_train: int) -> Curve:
    """Draw what a recipe does over all its stages with `n_train` train images."""
    high: list[float | None] = []
    low: list[float | None] = []
    momentum: list[float] = []
    starts: list[int] = []
    left = own_momentum(recipe)
    for stage in recipe.stages:
        starts.append(len(high))
        first, top = ends(stage.lr)
        n_batches = n_train // recipe.batch_size_of(stage)
        for position in positions(epochs=stage.epochs, n_batches=n_batches):
            factor = lr_at(stage.schedule, 1.0, position)
            high.append(None if top is None else lr_at(stage.schedule, top, position))
            low.append(None if first is None else first * factor)
            found = momentum_at(stage.schedule, stage.momentum, position)
            momentum.append(left if found is None else found)
        left = own_momentum(recipe) if stage.train == "features" else momentum[-1]
    return Curve(
        lr=tuple(high), lr_first=tuple(low), momentum=tuple(momentum), stage_starts=tuple(starts)
    )


def own_momentum(recipe: Recipe) -> float:
    """Give the momentum that the optimiser begins with.

    Without a schedule it stays at what the stage before has left; only the stages on cached
    features have an optimiser of their own.
    """
    chosen = recipe.optimiser.mom
    return OWN_MOMENTUM[recipe.optimiser.kind] if chosen is None else chosen


def positions(*, epochs: int, n_batches: int) -> Iterator[float]:
    """Give where in its stage each batch lies, in 0 to 1, summed up as fastai does."""
    for epoch in range(epochs):
        position = epoch / epochs
        for _ in range(n_batches):
            yield position
            position += 1.0 / (n_batches * epochs)


def ends(lr: LearningRate) -> tuple[float | None, float | None]:
    """Give the rates of the first group and of the head at their highest; None where unknown."""
    if isinstance(lr, Auto):
        return None, None
    if isinstance(lr, Discriminative):
        return lr.high / 10 if lr.low is None else lr.low, lr.high
    return lr, lr


def lr_at(schedule: Schedule, top: float, position: float) -> float:
    """Give the rate at a position in 0 to 1, for a group whose highest rate is `top`."""
    match schedule:
        case OneCycle():
            values = (top / schedule.div, top, top / schedule.div_final)
            return _combined_cos(schedule.pct_start, values, position)
        case FlatCos():
            return _combined_cos(
                schedule.pct_start, (top, top, top / schedule.div_final), position
            )
        case Sgdr():
            return _cos(top, 0, _within(sgdr_shares(schedule), position)[1])
        case Constant():
            return top


def sgdr_shares(schedule: Sgdr) -> tuple[float, ...]:
    """Give the share of all batches that each cycle lasts."""
    return tuple(epochs / schedule.n_epochs for epochs in schedule.cycle_epochs)


def momentum_at(schedule: Schedule, momentum: Momentum | None, position: float) -> float | None:
    """Give the momentum at a position in 0 to 1; None leaves it to the optimiser."""
    if isinstance(momentum, float | int):
        return float(momentum)
    if not isinstance(schedule, OneCycle):
        return None
    return _combined_cos(schedule.pct_start, momentum or MOMENTA, position)


def _combined_cos(pct: float, values: tuple[float, float, float], position: float) -> float:
    piece, inner = _within((pct, 1 - pct), position)
    return _cos(values[piece], values[piece + 1], inner)


def _within(shares: Sequence[float], position: float) -> tuple[int, float]:
    """Give the piece that a position lies in, and where in it: fastai computes in 32 bits."""
    bounds, total = [0.0], 0.0
    for share in shares:
        total += _single(share)
        bounds.append(_single(total))
    at = _single(position)
    piece = max(index for index, bound in enumerate(bounds) if at >= bound)
    piece = min(piece, len(shares) - 1)
    length = _single(bounds[piece + 1] - bounds[piece])
    return piece, _single(_single(at - bounds[piece]) / length)


def _single(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def _cos(start: float, end: float, position: float) -> float:
    return start + (1 + math.cos(math.pi * (1 - position))) * (end - start) / 2
