"""Intervals of a mean, and Student's t without SciPy, whose import takes longer than a page."""

import math
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
HALVINGS = 100  # of an interval: more than a float's digits


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where a value lies with the probability `LEVEL`."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Say whether the value is above, or below, zero with that probability."""
        return self.low > 0 or self.high < 0


def t_interval(values: np.ndarray, *, level: float = LEVEL) -> Interval | None:
    """Give the t interval of the mean of independent values, shape (n,); None of fewer than two.

    Paired differences of seeds go in here: the interval is about other seeds, on these images.
    """
    n = len(values)
    if n < 2:
        return None
    mean = float(values.mean())
    half = t_quantile((1 + level) / 2, n - 1) * float(values.std(ddof=1)) / math.sqrt(n)
    return Interval(low=mean - half, high=mean + half)


def t_quantile(probability: float, df: int) -> float:
    """Give the value that Student's t with `df` degrees of freedom stays below so often.

    `probability` lies between 0.5 and 1, both excluded. The closed forms of the distribution
    (Abramowitz and Stegun, 26.7.3 and 26.7.4) are turned round by halving.
    """
    low, high = 0.0, 1.0
    while _t_probability(high, df) < probability:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _t_probability(middle, df) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_probability(t: float, df: int) -> float:
    """Give how often Student's t stays below a positive value."""
    angle = math.atan(t / math.sqrt(df))
    sine, cosine = math.sin(angle), math.cos(angle)
    if df % 2:
        sum_ = _series(cosine, first=cosine, start=2, stop=df - 1)
        within = 2 / math.pi * (angle + (sine * sum_ if df > 1 else 0.0))
    else:
        within = sine * _series(cosine, first=1.0, start=1, stop=df - 2)
    return (1 + within) / 2


def _series(cosine: float, *, first: float, start: int, stop: int) -> float:
    """Add up the terms of the closed form: each is the last times k/(k+1) and the cosine twice."""
    term = total = first
    for k in range(start, stop, 2):
        term *= k / (k + 1) * cosine**2
        total += term
    return total
