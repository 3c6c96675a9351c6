"""Two or more runs side by side: what differs in them, and scores on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.datasets import catalog
from core.domain.errors import InputError
from core.domain.plans import Subset
from core.domain.runs import Run
from core.domain.values import flat
from core.review import predictions, scores
from core.review.predictions import Found, LabelPredictions, Predictions
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

    An item counts when it is in valid and in use at the dataset's newest revision, when its label
    there is a class of every run, and when all runs saw the same file. Of several labels an image
    those count that every run knows, each run at its recipe's threshold, and an item is right
    where all of them are. Nothing is predicted again. Losses of different kinds are left out.
    Raises InputError for runs of different datasets, or of one and of several labels an image.
    """
    compared = [runs.get(run_id) for run_id in run_ids]
    if len({run.dataset_id for run in compared}) != 1:
        raise InputError(
            "Runs of different datasets have no images in common.",
            hint="Choose runs of one dataset.",
        )
    revision = catalog.get(compared[0].dataset_id).revision
    labels = _valid_labels(compared[0], revision)
    loaded = [predictions.load(run_id) for run_id in run_ids]
    known = set(labels).intersection(*(one.item_id.tolist() for one in loaded))
    taken = _take_all(compared, loaded, known & _same_files(run_ids), labels)
    first, last = scores.is_right(taken[0]), scores.is_right(taken[-1])
    ids = taken[0].item_id
    return SameImages(
        revision=revision,
        n_items=len(ids),
        metrics=_metrics(taken),
        now_right=tuple(int(item) for item in ids[last & ~first]),
        now_wrong=tuple(int(item) for item in ids[first & ~last]),
    )


def _take_all(
    compared: Sequence[Run], loaded: Sequence[Found], known: set[int], labels: dict[int, str]
) -> Sequence[Found]:
    """Cut all predictions to the items that count, in one order, with the given labels."""
    common = set(loaded[0].classes).intersection(*(one.classes for one in loaded))
    several = [one for one in loaded if isinstance(one, LabelPredictions)]
    single = [one for one in loaded if isinstance(one, Predictions)]
    if several and single:
        raise _mixed(compared, loaded)
    if several:
        names = tuple(sorted(common))
        return [
            _take_several(one, sorted(known if names else ()), labels, names) for one in several
        ]
    shared = sorted(item for item in known if labels[item] in common)
    return [_take(one, shared, labels) for one in single]


def _mixed(compared: Sequence[Run], loaded: Sequence[Found]) -> InputError:
    kinds = {
        isinstance(found, LabelPredictions): run.name
        for run, found in zip(compared, loaded, strict=True)
    }
    return InputError(
        f"The run {kinds[True]} gives an image several labels, and {kinds[False]} gives it one: "
        "they have no score in common.",
        hint="Choose runs of one kind.",
    )


def _metrics(taken: Sequence[Found]) -> tuple[dict[str, float], ...]:
    found = tuple(scores.overall(one) for one in taken)
    if len({one.threshold is None for one in taken}) > 1:  # a sigmoid a class, and a softmax
        for one in found:
            one.pop("valid_loss", None)
    return found


def _same_files(run_ids: Sequence[str]) -> set[int]:
    """Name the items whose file had the same content in all runs."""
    seen = [predictions.load_items(run_id) for run_id in run_ids]
    contents = [set(zip(one["item_id"], one["content_hash"], strict=True)) for one in seen]
    return {int(item) for item, _ in set.intersection(*contents)}


def _valid_labels(run: Run, revision: int) -> dict[int, str]:
    frame = catalog.items_at(
        run.dataset_id, revision=revision, split_id=run.split_id, subset=Subset()
    )
    valid = frame[frame["part"] == "valid"]
    return dict(zip(valid["item_id"].tolist(), valid["label"].tolist(), strict=True))


def _take(found: Predictions, shared: list[int], labels: dict[int, str]) -> Predictions:
    """Reorder to the shared items, with their labels at the named revision."""
    index = {name: number for number, name in enumerate(found.classes)}
    label = np.array([index[labels[item]] for item in shared], dtype=int)
    return found.take(predictions.positions(found, shared), label)


def _take_several(
    found: LabelPredictions, shared: list[int], labels: dict[int, str], names: tuple[str, ...]
) -> LabelPredictions:
    """Do the same, and keep the named classes alone."""
    columns = [found.classes.index(name) for name in names]
    cut = replace(
        found,
        classes=names,
        label=found.label[:, columns],
        probability=found.probability[:, columns],
    )
    label = predictions.label_matrix([labels[item] for item in shared], names)
    return cut.take(predictions.positions(found, shared), label)


def _describe(run: Run) -> dict[str, str]:
    values: dict[str, Any] = {
        "revision": run.revision,
        "images": f"{run.n_train} train, {run.n_valid} valid" if run.n_train else "–",
        "fingerprint": (run.fingerprint or "–")[:12],
        "split": run.split_id,
        "train images a class": run.subset.per_class or "all",
        "classes": ", ".join(run.subset.classes or ("all",)),
        "begins from": _beginning(run),
        "seed": run.seed,
        "code": run.code_version,
        **flat(run.recipe.model_dump(mode="json"), "recipe"),
        **flat(run.environment, "environment"),
    }
    return {field: "–" if value is None else str(value) for field, value in values.items()}


def _beginning(run: Run) -> str:
    """Name the run whose weights a run began with; two may bear one name."""
    if run.begins_from is None:
        return "the recipe's start"
    return f"{runs.get(run.begins_from).name} ({run.begins_from})"
