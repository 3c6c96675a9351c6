"""What an audit is of: the items in use at a revision, with what finders ask about each."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from core.datasets import catalog, splits
from core.datasets.catalog.queries import with_parts
from core.domain.items import Dataset
from core.store import database, files, frames, schema

COLUMNS = [
    *("item_id", "path", "label", "part", "content_hash", "group"),
    *("width_px", "height_px", "size_bytes"),
]
TRAIN = "train"


@dataclass(frozen=True, kw_only=True)
class Material:
    """The items in use of a dataset, in order of path; `COLUMNS` are those of the table."""

    dataset: Dataset
    split_id: str | None
    items: pd.DataFrame

    @property
    def multi(self) -> bool:
        """Say whether an item may have several labels."""
        return self.dataset.is_multi_label

    @property
    def root(self) -> Path:
        """Give the folder that paths are relative to."""
        return Path(self.dataset.root)


def load(dataset_id: str) -> Material:
    """Read the items in use now, with their parts of the master split.

    Where there is no split, and of items that have no part in it, all teach: they count as train.
    """
    dataset = catalog.get(dataset_id)
    split = splits.get_master(dataset_id)
    split_id = split.id if split is not None else None
    with database.reading() as connection:
        rows = connection.execute(_in_use(dataset_id, split_id)).all()
    items = pd.DataFrame(rows, columns=COLUMNS)
    items["part"] = items["part"].fillna(TRAIN).astype(object)
    items["group"] = items["group"].fillna(items["item_id"]).astype(int)
    return Material(dataset=dataset, split_id=split_id, items=items)


def seen_before(material: Material) -> pd.Series:
    """Say of each item whether the audit before this one saw it with the content it has now."""
    path = files.audit_scores(material.dataset.id)
    if not path.exists():
        return pd.Series(False, index=material.items.index)
    before = frames.load(path, ["item_id", "content_hash"])
    known = dict(zip(before["item_id"], before["content_hash"], strict=True))
    same = material.items["item_id"].map(known) == material.items["content_hash"]
    return same.astype(bool)


def _in_use(dataset_id: str, split_id: str | None) -> sa.Select[tuple[object, ...]]:
    items = schema.items
    return (
        sa.select(
            *(items.c.id, items.c.path, items.c.label, schema.assignments.c.part),
            *(items.c.content_hash, items.c.group_id),
            *(items.c.width_px, items.c.height_px, items.c.size_bytes),
        )
        .select_from(with_parts(split_id))
        .where(items.c.dataset_id == dataset_id, items.c.status == "ok", ~items.c.excluded)
        .order_by(items.c.path)
    )
