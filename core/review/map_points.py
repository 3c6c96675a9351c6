"""The map of the last audit: a point an image, with what is known of it now."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.datasets import suspicion
from core.domain import labellers
from core.store import database, files, frames, schema

MOST_POINTS = 20_000
"""More make a browser slow, and lie upon each other."""
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Points:
    """The points that are drawn, and how many there are.

    A row of `table` is an image: item_id, x, y, label, path, state, suspicion (0 to 1; NaN where
    it is not known) and pred (likewise None). A state is "undecided", "excluded", "relabelled" or
    "kept". The most suspicious come first.
    """

    table: pd.DataFrame
    n_all: int


def stamp(dataset_id: str) -> str | None:
    """Give a value that changes with the map; None: no audit has left one."""
    path = files.audit_map(dataset_id)
    return str(path.stat().st_mtime_ns) if path.is_file() else None


def load(dataset_id: str, *, most: int = MOST_POINTS) -> Points:
    """Read the map, and what the images on it are now; beyond `most` points some by chance.

    The same points are drawn as long as the map and the files stay as they are.
    """
    where = frames.load(files.audit_map(dataset_id), ["item_id", "x", "y"])
    whole = where.merge(_items(dataset_id), on="item_id").sort_values("item_id")
    drawn = whole.sample(most, random_state=SEED) if len(whole) > most else whole
    known = suspicion.scores(dataset_id)[["item_id", "suspicion", "pred"]]
    table = drawn.merge(known, on="item_id", how="left")
    ordered = table.sort_values(["suspicion", "item_id"], ascending=[False, True])
    return Points(table=ordered.reset_index(drop=True), n_all=len(whole))


def groups(table: pd.DataFrame, classes: list[str], *, multi: bool) -> np.ndarray:
    """Say of each point which of some classes it has: its position, the first; else -1."""
    position = {name: at for at, name in enumerate(classes)}
    by_label = {
        label: min(
            (position[name] for name in labellers.split(label, multi=multi) if name in position),
            default=-1,
        )
        for label in table["label"].unique()
    }
    return np.asarray(table["label"].map(by_label), dtype=int)


def largest_classes(table: pd.DataFrame, *, multi: bool) -> list[str]:
    """List the classes of the points, those with the most points first."""
    names = table["label"].map(lambda label: list(labellers.split(label, multi=multi))).explode()
    counted = names.dropna().value_counts().rename_axis("label").reset_index(name="n")
    ordered = counted.sort_values(["n", "label"], ascending=[False, True])
    return [str(name) for name in ordered["label"]]


def _items(dataset_id: str) -> pd.DataFrame:
    """List the readable items: item_id, label, path and state."""
    items = schema.items
    query = sa.select(
        items.c.id, items.c.label, items.c.path, items.c.excluded, items.c.decision
    ).where(items.c.dataset_id == dataset_id, items.c.status == "ok")
    with database.reading() as connection:
        rows = connection.execute(query).all()
    found = pd.DataFrame(rows, columns=["item_id", "label", "path", "excluded", "decision"])
    words = found["decision"].map({"relabel": "relabelled", "keep": "kept"}).fillna("undecided")
    found["state"] = words.mask(found["excluded"].astype(bool), "excluded")
    return found[["item_id", "label", "path", "state"]]
