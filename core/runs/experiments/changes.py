"""What differs between two revisions of a dataset, for a run: images gone, relabelled, new."""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from core.datasets import catalog, rebuild
from core.domain.plans import Subset
from core.store import database


@dataclass(frozen=True, kw_only=True)
class PartChanges:
    """The ids of the items of one part that a later revision treats otherwise."""

    removed: tuple[int, ...]  # by an edit: excluded, or of a class no longer chosen
    relabelled: tuple[int, ...]
    gone: tuple[int, ...]  # without an edit: a scan did not find them, or cannot read them
    added: tuple[int, ...]  # brought back, or new in a scan

    @property
    def edited(self) -> tuple[int, ...]:
        """List the items that are out or have another label: what cleaning does to images."""
        return (*self.removed, *self.relabelled)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What differs in each part that a run uses."""

    train: PartChanges
    valid: PartChanges


def between(
    dataset_id: str, *, split_id: str, before: int, after: int, subset: Subset | None = None
) -> Changes:
    """Compare what a run could use at two revisions.

    Of the subset only its classes count: edits reach the images that it would not take, too.
    """
    classes = Subset(classes=subset.classes if subset is not None else None)
    old, new = (
        catalog.items_at(dataset_id, revision=revision, split_id=split_id, subset=classes)
        for revision in (before, after)
    )
    missing = old[~old["item_id"].isin(new["item_id"])]
    edited = _edited(dataset_id, missing, before=before, after=after)
    train, valid = (_of_part(old, new, part, edited=edited) for part in ("train", "valid"))
    return Changes(train=train, valid=valid)


def _edited(dataset_id: str, missing: pd.DataFrame, *, before: int, after: int) -> set[int]:
    """Give those of some items that the edits in force treat otherwise at the later revision."""
    labels = dict(zip(missing["item_id"].tolist(), missing["label"].tolist(), strict=True))
    if not labels:
        return set()
    with database.reading() as connection:
        old, new = (
            rebuild.states(connection, dataset_id, labels, until=revision)
            for revision in (before, after)
        )
    return {
        item
        for item in labels
        if (old[item].excluded, old[item].label) != (new[item].excluded, new[item].label)
    }


def _of_part(
    old: pd.DataFrame, new: pd.DataFrame, part: str, *, edited: Collection[int]
) -> PartChanges:
    before, after = (_labels(frame, part) for frame in (old, new))
    missing = [item for item in before if item not in after]
    return PartChanges(
        removed=tuple(item for item in missing if item in edited),
        gone=tuple(item for item in missing if item not in edited),
        relabelled=tuple(item for item in before if after.get(item, before[item]) != before[item]),
        added=tuple(item for item in after if item not in before),
    )


def _labels(frame: pd.DataFrame, part: str) -> dict[int, str]:
    own = frame[frame["part"] == part]
    return dict(zip(own["item_id"].tolist(), own["label"].tolist(), strict=True))
