"""Fewer train images: a class, of fewer classes, at random; nested, stable under removals."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.datasets import multilabel
from core.domain import labellers
from core.domain.plans import RandomRemoval, Subset
from core.store import database, schema


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a run would use."""

    classes: tuple[str, ...]  # those that the network would know
    train: dict[str, int]  # train images a class; one with several labels counts for each
    n_train: int
    n_valid: int
    n_test: int  # set aside: neither trained on nor measured, and the subset leaves them alone


def choose(
    frame: pd.DataFrame,
    subset: Subset,
    *,
    seed: int,
    multi: bool = False,
    ranks: Mapping[int, int] | None = None,
) -> pd.DataFrame:
    """Keep the chosen classes, and at most `per_class` train rows of each; the order stays.

    Of the chosen classes valid stays whole. Of the others no part has rows: a class that the
    network does not know cannot be scored. With `multi` labels are cut down to the chosen classes
    and rows without any are left out; a train row is kept where it is among the first of one of
    its labels, so that a class may have more than `per_class` rows, never fewer than it could.

    Rows are ordered by a hash of seed and content, so the 25 lie within the 50, and removing an
    image only moves the next one up; a subset by rank has the lowest of `ranks` (item id -> place
    in the search results) first, and items that have none last. What is removed at random is
    ordered by the removal's own seed; `seed` is the split's. `frame` has item_id, label, part and
    content_hash.
    """
    frame = _within(frame, subset.classes, multi=multi)
    if subset.without is not None:
        frame = _without(frame, subset.without)
    if subset.per_class is None or frame.empty:
        return frame
    train = frame[frame["part"] == "train"]
    ordered = train[["label"]].assign(place=_places(train, str(seed)))
    if subset.by_rank:
        known = ranks or {}
        late = max(known.values(), default=0) + 1
        ordered["place"] = [
            (known.get(place[1], late), *place) for place in ordered["place"].tolist()
        ]
    if multi:
        ordered["label"] = [
            labellers.split(label, multi=True) or ("",) for label in train["label"]
        ]
        ordered = ordered.explode("label")
    first = ordered.sort_values("place").groupby("label", sort=False).head(subset.per_class)
    kept = (frame["part"] != "train") | frame.index.isin(first.index)
    return frame[kept].reset_index(drop=True)


def take(dataset_id: str, split_id: str, subset: Subset) -> Taken:
    """Count what a run of the newest revision would use."""
    with database.reading() as connection:
        multi = multilabel.is_multi_label(connection, dataset_id)
        whole = _groups(connection, dataset_id, split_id)
        groups = _within(whole, subset.classes, multi=multi)
        train = groups[groups["part"] == "train"]
        is_ranked = subset.without is not None or (subset.per_class is not None and multi)
        if is_ranked:
            train = _chosen_train(connection, dataset_id, split_id, subset, multi=multi)
    counts = _by_class(train, multi=multi)
    n_train = int(train["n_items"].sum())
    if subset.per_class is not None and not is_ranked:
        counts = {label: min(number, subset.per_class) for label, number in counts.items()}
        n_train = sum(counts.values())
    used = groups[groups["part"] != "test"]
    return Taken(
        classes=classes_of(used["label"], multi=multi),
        train=counts,
        n_train=n_train,
        n_valid=_number(groups, "valid"),
        n_test=_number(whole, "test"),
    )


def count(frame: pd.DataFrame, *, multi: bool) -> Taken:
    """Count the rows that `choose` has kept: what a run of their revision would use."""
    groups = frame.groupby(["label", "part"]).size().reset_index(name="n_items")
    used = groups[groups["part"] != "test"]
    return Taken(
        classes=classes_of(used["label"], multi=multi),
        train=_by_class(groups[groups["part"] == "train"], multi=multi),
        n_train=_number(groups, "train"),
        n_valid=_number(groups, "valid"),
        n_test=_number(groups, "test"),
    )


def train_counts(dataset_id: str, split_id: str, subset: Subset) -> dict[str, int]:
    """Count the train images a class that a run of the newest revision would use."""
    return take(dataset_id, split_id, subset).train


def ranks(connection: sa.Connection, dataset_id: str, subset: Subset) -> dict[int, int]:
    """Give items with their places in the search results, where a subset asks for them."""
    if not subset.by_rank:
        return {}
    items = schema.items
    query = sa.select(items.c.id, items.c.rank)
    mine = query.where(items.c.dataset_id == dataset_id, items.c.rank.is_not(None))
    return {row.id: row.rank for row in connection.execute(mine)}


def classes_of(labels: Iterable[str], *, multi: bool) -> tuple[str, ...]:
    """List the classes that items' labels name, sorted."""
    distinct = set(labels)
    return tuple(sorted({name for one in distinct for name in labellers.split(one, multi=multi)}))


def _within(frame: pd.DataFrame, classes: Sequence[str] | None, *, multi: bool) -> pd.DataFrame:
    if classes is None:
        return frame
    if not multi:
        return frame[frame["label"].isin(classes)].reset_index(drop=True)
    wanted = set(classes)
    cut = [
        labellers.join(wanted.intersection(labellers.split(label, multi=True)))
        for label in frame["label"]
    ]
    frame = frame.assign(label=cut)
    return frame[frame["label"] != ""].reset_index(drop=True)


def _without(frame: pd.DataFrame, removal: RandomRemoval) -> pd.DataFrame:
    """Leave the first train rows out, in an order that other removals and subsets do not share."""
    train = frame[frame["part"] == "train"]
    if train.empty:
        return frame
    places = pd.Series(_places(train, f"without:{removal.seed}"), index=train.index)
    return frame.drop(index=places.sort_values().index[: removal.n]).reset_index(drop=True)


def _by_class(groups: pd.DataFrame, *, multi: bool) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for label, number in zip(groups["label"], groups["n_items"], strict=True):
        for name in labellers.split(label, multi=multi):
            counts[name] += int(number)
    return dict(sorted(counts.items()))


def _number(groups: pd.DataFrame, part: str) -> int:
    return int(groups.loc[groups["part"] == part, "n_items"].sum())


def _groups(connection: sa.Connection, dataset_id: str, split_id: str) -> pd.DataFrame:
    """Count the items in use by label and part: label, part, n_items."""
    items, parts = schema.items, schema.assignments
    query = _in_use(dataset_id, split_id, items.c.label, parts.c.part, sa.func.count())
    rows = connection.execute(query.group_by(items.c.label, parts.c.part)).all()
    return pd.DataFrame(rows, columns=["label", "part", "n_items"])


def _chosen_train(
    connection: sa.Connection, dataset_id: str, split_id: str, subset: Subset, *, multi: bool
) -> pd.DataFrame:
    """List the train items that a subset takes where their ranks decide."""
    items, parts = schema.items, schema.assignments
    columns = (items.c.id, items.c.label, parts.c.part, items.c.content_hash)
    query = _in_use(dataset_id, split_id, *columns).where(parts.c.part == "train")
    rows = connection.execute(query).all()
    frame = pd.DataFrame(rows, columns=["item_id", "label", "part", "content_hash"])
    seed = sa.select(schema.splits.c.seed).where(schema.splits.c.id == split_id)
    chosen = choose(
        frame,
        subset,
        seed=connection.execute(seed).scalar_one(),
        multi=multi,
        ranks=ranks(connection, dataset_id, subset),
    )
    return chosen.assign(n_items=1)


def _in_use(dataset_id: str, split_id: str, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    items, parts = schema.items, schema.assignments
    return (
        sa.select(*columns)
        .join_from(items, parts, parts.c.item_id == items.c.id)
        .where(items.c.dataset_id == dataset_id, items.c.status == "ok", ~items.c.excluded)
        .where(parts.c.split_id == split_id)
    )


def _places(train: pd.DataFrame, seed: str) -> list[tuple[str, int]]:
    """Give each row its place in a random order that the content decides, not the database."""
    return [
        (hashlib.blake2b(f"{seed}:{content}".encode(), digest_size=8).hexdigest(), item_id)
        for content, item_id in zip(train["content_hash"], train["item_id"], strict=True)
    ]
