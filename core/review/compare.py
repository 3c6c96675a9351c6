"""Two or more runs side by side: what differs in them, and scores on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.domain.runs import Run
from core.domain.values import flat
from core.review import same_images, scores, statistics
from core.review.predictions import Found
from core.review.statistics import Interval
from core.runs import runs


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field of the description with each run's value, in the order of the runs."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SameImages:
    """Scores of several runs on the validation images that all of them have."""

    revision: int  # whose labels and exclusions count
    n_items: int
    metrics: tuple[dict[str, float], ...]  # a run each
    now_right: tuple[int, ...]  # ids of items wrong in the first run and right in the last
    now_wrong: tuple[int, ...]  # right in the first and wrong in the last
    intervals: dict[str, Interval]  # of two runs: of each metric's difference, for other images


def differences(compared: Sequence[Run]) -> list[Difference]:
    """List the fields in which the runs' descriptions differ, and only those."""
    described = [_describe(run) for run in compared]
    fields = dict.fromkeys(field for one in described for field in one)
    table = [
        Difference(field=field, values=tuple(one.get(field, "–") for one in described))
        for field in fields
    ]
    return [row for row in table if len(set(row.values)) > 1]


def on_same_images(run_ids: Sequence[str]) -> SameImages:
    """Score runs of one dataset on the valid items all of them have, with the newest labels.

    `same_images.align` says which these are. Each run counts at its recipe's threshold, and an
    item is right where all its labels are. Losses of different kinds are left out. Two runs are
    told apart by the intervals of the differences, as far as images go: each is one seed.
    """
    aligned = same_images.align(run_ids)
    taken, ids = aligned.found, aligned.item_id
    first, last = scores.is_right(taken[0]), scores.is_right(taken[-1])
    measured = _metrics(taken)
    return SameImages(
        revision=aligned.revision,
        n_items=len(ids),
        metrics=measured,
        now_right=tuple(int(item) for item in ids[last & ~first]),
        now_wrong=tuple(int(item) for item in ids[first & ~last]),
        intervals=_intervals(taken, measured) if len(taken) == 2 and len(ids) else {},
    )


def _metrics(taken: Sequence[Found]) -> tuple[dict[str, float], ...]:
    found = tuple(scores.overall(one) for one in taken)
    if len({one.threshold is None for one in taken}) > 1:  # a sigmoid a class, and a softmax
        for one in found:
            one.pop("valid_loss", None)
    return found


def _intervals(
    taken: Sequence[Found], measured: Sequence[dict[str, float]]
) -> dict[str, Interval]:
    before, after = (scores.by_image(one) for one in taken)
    names = [name for name in before if name in after and name in measured[0]]
    differences = np.stack([after[name] - before[name] for name in names])
    means = statistics.resampled_means(differences)
    return {name: statistics.over_images(means[:, [at]]) for at, name in enumerate(names)}


def _describe(run: Run) -> dict[str, str]:
    values: dict[str, Any] = {
        "revision": run.revision,
        "images": f"{run.n_train} train, {run.n_valid} valid" if run.n_train else "–",
        "fingerprint": (run.fingerprint or "–")[:12],
        "split": run.split_id,
        "train images a class": _images_a_class(run),
        "classes": ", ".join(run.subset.classes or ("all",)),
        "removed at random": _removed(run),
        "begins from": _beginning(run),
        "seed": run.seed,
        "code": run.code_version,
        **flat(run.recipe.model_dump(mode="json"), "recipe"),
        **flat(run.environment, "environment"),
    }
    return {field: "–" if value is None else str(value) for field, value in values.items()}


def _removed(run: Run) -> str:
    removal = run.subset.without
    return "none" if removal is None else f"{removal.n} train images, draw {removal.seed}"


def _images_a_class(run: Run) -> str:
    number = "all" if run.subset.per_class is None else str(run.subset.per_class)
    return f"{number}, the first by rank" if run.subset.by_rank else number


def _beginning(run: Run) -> str:
    """Name the run whose weights a run began with; two may bear one name."""
    if run.begins_from is None:
        return "the recipe's start"
    return f"{runs.get(run.begins_from).name} ({run.begins_from})"
