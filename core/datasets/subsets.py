"""Fewer train images a class: nested, and stable when single images are removed."""

import hashlib

import pandas as pd
import sqlalchemy as sa

from core.domain.plans import Subset
from core.store import database, schema


def choose(frame: pd.DataFrame, subset: Subset, *, seed: int) -> pd.DataFrame:
    """Keep at most `per_class` train rows a label; other parts stay whole, the order stays.

    Rows are ranked by a hash of seed and content, so the 25 lie within the 50, and removing an
    image only moves the next one up. `frame` has item_id, label, part and content_hash.
    """
    if subset.per_class is None or frame.empty:
        return frame
    train = frame[frame["part"] == "train"]
    ranks = [
        _rank(seed, content, item_id)
        for content, item_id in zip(train["content_hash"], train["item_id"], strict=True)
    ]
    ranked = train[["label"]].assign(rank=ranks).sort_values("rank")
    chosen = ranked.groupby("label", sort=False).head(subset.per_class).index
    kept = (frame["part"] != "train") | frame.index.isin(chosen)
    return frame[kept].reset_index(drop=True)


def train_counts(dataset_id: str, split_id: str, subset: Subset) -> dict[str, int]:
    """Count the train images a class that a run of the newest revision would use."""
    items, parts = schema.items, schema.assignments
    query = (
        sa.select(items.c.label, sa.func.count())
        .join(parts, parts.c.item_id == items.c.id)
        .where(items.c.dataset_id == dataset_id, items.c.status == "ok", ~items.c.excluded)
        .where(parts.c.split_id == split_id, parts.c.part == "train")
        .group_by(items.c.label)
        .order_by(items.c.label)
    )
    with database.reading() as connection:
        rows = connection.execute(query).all()
    most = subset.per_class
    return {label: number if most is None else min(number, most) for label, number in rows}


def _rank(seed: int, content_hash: str, item_id: int) -> tuple[str, int]:
    mixed = hashlib.blake2b(f"{seed}:{content_hash}".encode(), digest_size=8).hexdigest()
    return mixed, item_id
