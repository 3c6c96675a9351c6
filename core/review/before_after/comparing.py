"""What retraining after the edits changed, on the same validation images, with intervals.

A difference is taken within a seed and within an image. It has three intervals, each of 95 %: for
other seeds on these images (t), for other images with these seeds (bootstrap), and for both.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.runs import Run
from core.review import predictions, same_images, scores, statistics
from core.review.predictions import Found
from core.review.statistics import Interval
from core.runs import experiments
from core.runs.experiments import Experiment

MAIN = {False: "accuracy", True: "f2_samples"}
"""The metric that decides: of one label an image, and of several."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What one condition is above another in a metric; each seed paired with itself."""

    mean: float
    by_seed: tuple[float, ...]
    seeds: Interval | None  # None of fewer than two seeds
    images: Interval | None  # None of a metric that is no mean over images
    both: Interval | None  # None where one of the others is


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric before and after, means of the seeds, and what differs."""

    metric: str
    before: float
    after: float
    cleaning: Difference  # after less before
    random: Difference | None  # less data at random less before; None where none has finished


@dataclass(frozen=True, kw_only=True)
class Flipped:
    """An image that at least half of the seeds turned."""

    item_id: int
    right_before: float  # the share of the seeds
    right_after: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All that the finished runs of an experiment say so far."""

    revision: int  # whose labels and exclusions count
    n_items: int  # valid images that all runs have
    seeds: tuple[int, ...]  # of which before and after have finished
    main: str  # the metric that decides
    rows: tuple[MetricRow, ...]  # empty where there are no images
    n_to_right: float  # images a seed turned right, mean of the seeds
    n_to_wrong: float
    to_right: tuple[Flipped, ...]
    to_wrong: tuple[Flipped, ...]
    edited_valid: tuple[int, ...]  # valid images that the edits excluded or relabelled

    @property
    def decisive(self) -> MetricRow | None:
        """Find the row of the metric that decides."""
        return next((row for row in self.rows if row.metric == self.main), None)


def compare(experiment: Experiment) -> Comparison | None:
    """Compare what has finished of an experiment; None before the first seed has both runs.

    The images are those of `same_images.align`: the labels are of the dataset's newest revision
    for all runs, also for those that were validated with older ones.
    """
    runs = _finished(experiment)
    seeds = tuple(seed for seed in runs["before"] if seed in runs["after"])
    if not seeds:
        return None
    random_seeds = tuple(seed for seed in runs["before"] if seed in runs["random"])
    ids = list(dict.fromkeys(run.id for arm in runs.values() for run in arm.values()))
    aligned = same_images.align(ids)
    found = dict(zip(ids, aligned.found, strict=True))

    def of(arm: str, some: Sequence[int]) -> list[Found]:
        return [found[runs[arm][seed].id] for seed in some]

    pair = of("before", seeds), of("after", seeds)
    rows: tuple[MetricRow, ...] = ()
    if len(aligned.item_id):
        random = _differences(of("before", random_seeds), of("random", random_seeds))
        rows = _rows(*pair, random)
    return _told(experiment, aligned, seeds, rows, pair)


def _finished(experiment: Experiment) -> dict[str, dict[int, Run]]:
    """Give the finished runs that left predictions, by arm and seed."""
    found: dict[str, dict[int, Run]] = defaultdict(dict)
    for member, run in experiments.list_runs(experiment):
        if run.status == "finished" and predictions.exist(run.id):
            found[member.arm][member.seed] = run
    return found


def _differences(first: Sequence[Found], second: Sequence[Found]) -> dict[str, Difference]:
    """Take the differences of paired runs, a metric each."""
    if not first:
        return {}
    overall = [[scores.overall(one) for one in some] for some in (first, second)]
    own = [[scores.by_image(one) for one in some] for some in (first, second)]
    names = [name for name in own[0][0] if name in own[1][0]]
    values = np.stack(
        [
            after[name] - before[name]
            for name in names
            for before, after in zip(own[0], own[1], strict=True)
        ]
    )
    drawn = statistics.resampled_means(values).reshape(-1, len(names), len(first))
    means = {name: drawn[:, at] for at, name in enumerate(names)}
    return {
        name: _difference(
            np.array([b[name] - a[name] for a, b in zip(overall[0], overall[1], strict=True)]),
            means.get(name),
        )
        for name in overall[0][0]
        if name in overall[1][0]
    }


def _difference(by_seed: np.ndarray, means: np.ndarray | None) -> Difference:
    return Difference(
        mean=float(by_seed.mean()),
        by_seed=tuple(float(one) for one in by_seed),
        seeds=statistics.t_interval(by_seed),
        images=None if means is None else statistics.over_images(means),
        both=None if means is None else statistics.over_seeds_and_images(by_seed, means),
    )


def _rows(
    before: Sequence[Found], after: Sequence[Found], random: Mapping[str, Difference]
) -> tuple[MetricRow, ...]:
    old, new = ([scores.overall(one) for one in some] for some in (before, after))
    return tuple(
        MetricRow(
            metric=name,
            before=float(np.mean([one[name] for one in old])),
            after=float(np.mean([one[name] for one in new])),
            cleaning=difference,
            random=random.get(name),
        )
        for name, difference in _differences(before, after).items()
    )


def _told(
    experiment: Experiment,
    aligned: same_images.Aligned,
    seeds: tuple[int, ...],
    rows: tuple[MetricRow, ...],
    pair: tuple[Sequence[Found], Sequence[Found]],
) -> Comparison:
    """Put the result together with the images that turned, and those that were edited."""
    about = experiments.about(experiment)
    changes = experiments.between(
        experiment.dataset_id,
        split_id=about.plan.split_id,
        before=about.before,
        after=aligned.revision,
        subset=about.plan.subset,
    )
    turned = statistics.flips(*(np.stack([scores.is_right(o) for o in some]) for some in pair))

    def flipped(positions: np.ndarray) -> tuple[Flipped, ...]:
        return tuple(
            Flipped(
                item_id=int(aligned.item_id[at]),
                right_before=float(turned.right_before[at]),
                right_after=float(turned.right_after[at]),
            )
            for at in positions
        )

    return Comparison(
        revision=aligned.revision,
        n_items=len(aligned.item_id),
        seeds=seeds,
        main=MAIN[isinstance(aligned.found[0], predictions.LabelPredictions)],
        rows=rows,
        n_to_right=turned.n_to_right,
        n_to_wrong=turned.n_to_wrong,
        to_right=flipped(turned.to_right),
        to_wrong=flipped(turned.to_wrong),
        edited_valid=changes.valid.edited,
    )
