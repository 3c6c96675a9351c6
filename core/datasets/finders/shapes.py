"""Items much smaller, larger or longer than most others of their dataset."""

import math
from typing import Any

import numpy as np
import pandas as pd

from core.datasets.finders import oddness
from core.domain.findings import Finding, FindingKind

SPREADS = 3.0
LEAST_SPREAD = 0.2  # of the logarithm: sizes of one camera differ by a fifth
SMALLER = 3.0
LARGER = 5.0
LEAST_ELONGATION = 2.5
MORE_ELONGATED = 1.7


def judge(frame: pd.DataFrame) -> list[Finding]:
    """Judge items by their width_px and height_px, against the whole dataset."""
    sized = frame[(frame["width_px"] > 0) & (frame["height_px"] > 0)]
    if sized.empty:
        return []
    return [*_sizes(sized), *_aspects(sized)]


def _sizes(frame: pd.DataFrame) -> list[Finding]:
    """Find items whose side, as of a square, is a third of the usual one or five times it."""
    side = np.sqrt(frame["width_px"].astype(float) * frame["height_px"])
    table = frame.assign(log_side=np.log(side), label="")  # of all classes together
    odd = oddness.of(table, "log_side", least_spread=LEAST_SPREAD)
    factor = table["log_side"] - odd.usual
    limit = np.where(factor < 0, math.log(SMALLER), math.log(LARGER))
    chosen = (factor.abs() >= limit) & (odd.spreads.abs() >= SPREADS)
    usual = f"{frame['width_px'].median():.0f}×{frame['height_px'].median():.0f}"
    return [
        _finding(
            row,
            "odd_size",
            0.6 if row.factor < 0 else 0.3,
            f"{row.width_px:.0f}×{row.height_px:.0f} pixels, where most images have {usual}: "
            + ("too small to show as much." if row.factor < 0 else "of another kind, perhaps."),
        )
        for row in frame.assign(factor=factor)[chosen].itertuples()
    ]


def _aspects(frame: pd.DataFrame) -> list[Finding]:
    """Find strips: much longer than wide, upright or lying."""
    sides = frame[["width_px", "height_px"]].astype(float)
    long = sides.max(axis=1) / sides.min(axis=1)
    usual = float(long.median())
    chosen = (long >= LEAST_ELONGATION) & (long >= MORE_ELONGATED * usual)
    return [
        _finding(
            row,
            "odd_aspect",
            min(0.7, 0.3 + 0.1 * (row.long - LEAST_ELONGATION)),
            f"{row.long:.1f} times as long as wide, where most images are {usual:.1f} times: "
            "a banner or a strip, perhaps.",
        )
        for row in frame.assign(long=long)[chosen].itertuples()
    ]


def _finding(row: Any, kind: FindingKind, score: float, reason: str) -> Finding:
    return Finding(
        item_id=int(row.item_id),
        kind=kind,
        score=round(float(score), 4),
        reason=reason,
        suggestion="look",
    )
