"""What a comparison of before and after lets one say, and no more than that."""

from typing import Literal

from core.domain.recipes.measures import LOWER_IS_BETTER
from core.review.before_after.comparing import Comparison, Difference, MetricRow
from core.review.statistics import Interval

NAMES = {"accuracy": "accuracy", "f2_samples": "F2 of labels"}
LOSSES = ("valid_loss",)
Outcome = Literal["helped", "hurt", "unclear"]


def sentence(found: Comparison) -> str:
    """Say whether cleaning helped, by the metric that decides, with its interval.

    It helped, or hurt, where the interval for other seeds and other images excludes zero. Where
    only that for other seeds does, that is said. One seed decides nothing.
    """
    row = found.decisive
    if row is None:
        return "The runs have no validation image in common, so nothing can be compared."
    return f"{_of_cleaning(found, row)}{_of_random(row)}"


def outcome(found: Comparison) -> Outcome:
    """Say whether cleaning helped or hurt beyond chance of seeds and images, or neither."""
    row = found.decisive
    interval = row.cleaning.both if row is not None else None
    if row is None or interval is None or not interval.excludes_zero:
        return "unclear"
    return "helped" if _is_better(row, row.cleaning) else "hurt"


def change(metric: str, value: float) -> str:
    """Write a difference with its sign: a share in points of a per cent, a loss as a number."""
    number = f"{value:+.3f}" if metric in LOSSES else f"{100 * value:+.1f}"
    if float(number) == 0:
        return number[1:]
    return number.replace("-", "\N{MINUS SIGN}")


def _of_cleaning(found: Comparison, row: MetricRow) -> str:
    difference, n_seeds = row.cleaning, len(found.seeds)
    images = f"{found.n_items:,} images"
    said = f"{NAMES.get(row.metric, row.metric)} {change(row.metric, difference.mean)} points"
    if difference.both is None or difference.seeds is None:
        return (
            f"One seed says little: {said} on {images} (95 % interval for other images "
            f"{_range(row, difference.images)}), and other seeds may differ more"
        )
    if difference.both.excludes_zero:
        return (
            f"Cleaning {'helped' if _is_better(row, difference) else 'hurt'}: {said} "
            f"(95 % interval {_range(row, difference.both)}, {n_seeds} seeds, {images})"
        )
    if difference.seeds.excludes_zero:
        return (
            f"On these {images} the model is "
            f"{'better' if _is_better(row, difference) else 'worse'} after cleaning, whatever the "
            f"seed: {said} (95 % interval {_range(row, difference.seeds)}, {n_seeds} seeds). On "
            f"other images it need not be ({_range(row, difference.both)})"
        )
    return (
        f"No difference that {n_seeds} seeds on {images} can show: {said} "
        f"(95 % interval {_range(row, difference.both)})"
    )


def _of_random(row: MetricRow) -> str:
    if row.random is None:
        return "."
    interval = row.random.both or row.random.images
    said = f"{change(row.metric, row.random.mean)} ({_range(row, interval)})"
    as_well = (
        interval is not None
        and interval.excludes_zero
        and (row.random.mean > 0) == (row.cleaning.mean > 0)
    )
    warning = " That alone does it, too: it may be the smaller number, not the cleaning." * as_well
    return f"; removing as many at random: {said}.{warning}"


def _is_better(row: MetricRow, difference: Difference) -> bool:
    return (difference.mean > 0) != (row.metric in LOWER_IS_BETTER)


def _range(row: MetricRow, interval: Interval | None) -> str:
    if interval is None:
        return "unknown"
    return f"{change(row.metric, interval.low)} to {change(row.metric, interval.high)}"
