"""What differs between two revisions of a dataset, for a run: images gone, relabelled, new."""

from dataclasses import dataclass

import pandas as pd

from core.datasets import catalog
from core.domain.plans import Subset


@dataclass(frozen=True, kw_only=True)
class PartChanges:
    """The ids of the items of one part that a later revision treats otherwise."""

    removed: tuple[int, ...]  # excluded; also what a scan found gone, or a class no longer chosen
    relabelled: tuple[int, ...]
    added: tuple[int, ...]  # brought back, or new in a scan

    @property
    def edited(self) -> tuple[int, ...]:
        """List the items that are gone or have another label: what cleaning does to images."""
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
    return Changes(train=_of_part(old, new, "train"), valid=_of_part(old, new, "valid"))


def _of_part(old: pd.DataFrame, new: pd.DataFrame, part: str) -> PartChanges:
    before, after = (_labels(frame, part) for frame in (old, new))
    return PartChanges(
        removed=tuple(item for item in before if item not in after),
        relabelled=tuple(item for item in before if after.get(item, before[item]) != before[item]),
        added=tuple(item for item in after if item not in before),
    )


def _labels(frame: pd.DataFrame, part: str) -> dict[int, str]:
    own = frame[frame["part"] == part]
    return dict(zip(own["item_id"].tolist(), own["label"].tolist(), strict=True))
