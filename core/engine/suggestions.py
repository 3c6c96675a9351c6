"""The four rates that fastai reads off a range test, each with a word on what it is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from fastai.callback.schedule import minimum, slide, steep, valley

from core.domain.runs import Suggestion

SKIP_END = 5
"""fastai leaves out the first tenth of the points and the last five."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One of fastai's functions, the points that it needs, and what it says in a sentence."""

    name: str
    find: Callable[..., tuple[float, tuple[float, Any]]]
    n_needed: int
    about: str


RULES = (
    Rule(
        name="minimum/10",
        find=minimum,
        n_needed=1,
        about="A tenth of the rate at which the loss was lowest: a step back from the edge.",
    ),
    Rule(
        name="steepest",
        find=steep,
        n_needed=2,
        about="The rate at which the loss fell fastest: where learning was quickest.",
    ),
    Rule(
        name="valley",
        find=valley,
        n_needed=2,
        about="Halfway along the longest fall of the loss: fastai's own default.",
    ),
    Rule(
        name="slide",
        find=slide,
        n_needed=16,
        about="From the largest rates on, two points that lie 15 apart slide down until the loss "
        "slopes about the same at both: the rate of the lower one.",
    ),
)


def suggest(
    lrs: Sequence[float], losses: Sequence[float], *, n_asked: int
) -> list[dict[str, Any]]:
    """Give the four suggestions for the rates and smoothed losses of a range test of `n_asked`."""
    kept = slice(n_asked // 10, max(len(lrs) - SKIP_END, 0))
    rates, values = torch.tensor(lrs[kept]), torch.tensor(losses[kept])
    broken = torch.nonzero(torch.isnan(values))
    if len(broken):
        rates, values = rates[: broken[0]], values[: broken[0]]
    return [asdict(_apply(rule, rates, values, n_asked)) for rule in RULES]


def _apply(rule: Rule, rates: torch.Tensor, values: torch.Tensor, n_asked: int) -> Suggestion:
    if len(rates) < rule.n_needed:
        return _none(
            rule, f"It needs {rule.n_needed} points, and the test has {len(rates)} usable."
        )
    try:
        rate, (_, loss) = rule.find(rates, values, n_asked)
    except (IndexError, ValueError, RuntimeError) as error:
        return _none(rule, f"fastai finds none on this curve: {error}.")
    if not (math.isfinite(rate) and rate > 0 and math.isfinite(float(loss))):
        return _none(rule, "The curve has no finite loss where it looks.")
    return Suggestion(
        name=rule.name, lr=float(rate), loss=float(loss), about=rule.about, why_not=None
    )


def _none(rule: Rule, why_not: str) -> Suggestion:
    return Suggestion(name=rule.name, lr=None, loss=None, about=rule.about, why_not=why_not)
