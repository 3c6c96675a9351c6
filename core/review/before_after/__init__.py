"""Did cleaning help: runs before and after the edits compared, and said in a sentence."""

from core.review.before_after.comparing import (
    Comparison,
    Difference,
    Flipped,
    MetricRow,
    compare,
)
from core.review.before_after.verdict import Outcome, change, outcome, sentence

__all__ = [
    "Comparison",
    "Difference",
    "Flipped",
    "MetricRow",
    "Outcome",
    "change",
    "compare",
    "outcome",
    "sentence",
]
