"""Images to look at beside a suspicious one: those nearest to it, and typical ones of a class."""

import functools
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.datasets import catalog
from core.datasets.catalog.filters import ItemFilter, conditions, order_by
from core.domain import labellers
from core.store import database, files, frames, schema

N_TYPICAL = 12
"""So many are looked for: some may have been excluded or relabelled since the audit."""
SEARCHED = 100
"""Among so many images of a class examples are looked for where no audit has ranked them."""


@dataclass(frozen=True, kw_only=True)
class Near:
    """An image with the cosine of its features and another one's."""

    item_id: int
    similarity: float


@dataclass(frozen=True, kw_only=True)
class _Neighbours:
    """Each row a pair, sorted by item and the nearest first; arrays of shape (pairs,)."""

    item_id: np.ndarray
    neighbour_id: np.ndarray
    similarity: np.ndarray


def nearest(dataset_id: str, item_ids: Sequence[int]) -> dict[int, tuple[Near, ...]]:
    """Give the nearest images of some by the last audit, nearest first; without one nothing."""
    path = files.audit_neighbours(dataset_id)
    if not item_ids or not path.is_file():
        return {}
    table = _neighbours(path, _version(path))
    starts = np.searchsorted(table.item_id, item_ids, side="left")
    ends = np.searchsorted(table.item_id, item_ids, side="right")
    return {
        item_id: tuple(
            Near(item_id=int(table.neighbour_id[at]), similarity=float(table.similarity[at]))
            for at in range(start, end)
        )
        for item_id, start, end in zip(item_ids, starts, ends, strict=True)
    }


def typical(
    dataset_id: str, classes: Sequence[str], *, without: Container[int]
) -> dict[str, tuple[int, ...]]:
    """List typical images in use of some classes by id, those that nothing is found about.

    By the last audit the images that others of their class predict best; where it has not judged
    a class, its first images. `without` are the items that something is found about.
    """
    path = files.audit_scores(dataset_id)
    multi = catalog.get(dataset_id).is_multi_label
    ranked = _ranked(path, _version(path), multi=multi) if path.is_file() else {}
    found = {name: ranked.get(name, ()) for name in classes}
    now = catalog.get_items([one for some in found.values() for one in some])
    sound = {
        item_id: labellers.split(one.label, multi=multi)
        for item_id, one in now.items()
        if one.in_use and item_id not in without
    }
    judged = {
        name: tuple(one for one in some if name in sound.get(one, ()))
        for name, some in found.items()
    }
    return {
        name: some or _first(dataset_id, name, without, multi=multi)
        for name, some in judged.items()
    }


def _first(dataset_id: str, name: str, without: Container[int], *, multi: bool) -> tuple[int, ...]:
    filters = ItemFilter(labels=(name,), status="in_use")
    where = conditions(dataset_id, filters, split_id=None, multi=multi)
    query = sa.select(schema.items.c.id).where(*where).order_by(*order_by("label"))
    with database.reading() as connection:
        found = connection.execute(query.limit(SEARCHED)).scalars().all()
    return tuple(one for one in found if one not in without)[:N_TYPICAL]


def _version(path: Path) -> tuple[int, int]:
    """Give a value that changes with a file: it is always replaced by another one."""
    about = path.stat()
    return about.st_mtime_ns, about.st_ino


@functools.lru_cache(maxsize=4)
def _neighbours(path: Path, _version: tuple[int, int]) -> _Neighbours:
    table = frames.load(path, columns=["item_id", "neighbour_id", "similarity"])
    order = np.argsort(table["item_id"].to_numpy(), kind="stable")
    return _Neighbours(
        item_id=table["item_id"].to_numpy()[order],
        neighbour_id=table["neighbour_id"].to_numpy()[order],
        similarity=table["similarity"].to_numpy(dtype=np.float32)[order],
    )


@functools.lru_cache(maxsize=4)
def _ranked(path: Path, _version: tuple[int, int], *, multi: bool) -> dict[str, tuple[int, ...]]:
    """Give the ids of the most typical images by class, the lowest out-of-fold loss first."""
    table = frames.load(path, columns=["item_id", "label", "oof_loss"]).dropna()
    ordered = table.sort_values(["oof_loss", "item_id"], kind="stable")
    if multi:
        split = ordered["label"].str.split(labellers.LABEL_SEPARATOR, regex=False)
        ordered = ordered.assign(label=split).explode("label")
    best: pd.DataFrame = ordered.groupby("label", sort=False).head(N_TYPICAL)
    return {str(name): tuple(map(int, some)) for name, some in best.groupby("label")["item_id"]}
