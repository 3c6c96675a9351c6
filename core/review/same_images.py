"""Several runs' predictions cut to the same validation images, with the labels of one revision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.datasets import catalog
from core.domain.errors import InputError
from core.domain.plans import Subset
from core.domain.runs import Run
from core.review import predictions
from core.review.predictions import Found, LabelPredictions, Predictions
from core.runs import runs


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """Predictions of several runs, a run each: the same items in the same order."""

    revision: int  # whose labels and exclusions count
    found: tuple[Found, ...]

    @property
    def item_id(self) -> np.ndarray:
        """Give the ids of the items, shape (items,)."""
        return self.found[0].item_id


def align(run_ids: Sequence[str]) -> Aligned:
    """Cut the predictions of runs of one dataset to the valid items that all of them have.

    An item counts when it is in valid and in use at the dataset's newest revision, when its label
    there is a class of every run, and when all runs saw the same file. Of several labels an image
    those count that every run knows. Nothing is predicted again. Raises InputError for runs of
    different datasets, or of one and of several labels an image.
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
    return Aligned(revision=revision, found=tuple(taken))


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
