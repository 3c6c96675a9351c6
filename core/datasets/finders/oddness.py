"""How far an item lies from most others of its class, or of a small class's whole dataset."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST_CLASS = 20
"""Of fewer images a class cannot say what is usual in it."""
NORMAL = 1.4826
"""The standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, kw_only=True)
class Oddness:
    """For each item: what most others have, how many spreads it lies above, and who they are."""

    usual: pd.Series
    spreads: pd.Series  # negative where it lies below
    of_class: pd.Series  # False: compared with the whole dataset


def of(frame: pd.DataFrame, column: str, *, least_spread: float) -> Oddness:
    """Compare a column with its median, in units of its robust spread within each class.

    Spreads below `least_spread` count as that, or tiny differences would be odd where all are
    alike. What most of a class have is never odd: half of it may be odd without moving the median.
    """
    values = frame[column]
    classes = values.groupby(frame["label"])
    of_class = classes.transform("count") >= LEAST_CLASS
    usual = classes.transform("median").where(of_class, values.median())
    distance = (values - usual).abs()
    spread = (
        distance.groupby(frame["label"])
        .transform("median")
        .where(of_class, (values - values.median()).abs().median())
    )
    spreads = (values - usual) / np.maximum(NORMAL * spread, least_spread)
    return Oddness(usual=usual, spreads=spreads, of_class=of_class)


def among(label: str, *, of_class: bool) -> str:
    """Name in words those that an item was compared with."""
    return f"most of the class {label}" if of_class and label else "most images"
