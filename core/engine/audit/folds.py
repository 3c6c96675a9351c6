"""Which items are held out of which fold: never one of two copies, so that none vouches for it.

Copies are the groups of equal and nearly equal files that a scan makes, and what the last audit
found cropped, mirrored or made anew.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import sqlalchemy as sa
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from core.datasets.catalog.queries import chunks
from core.store import database, schema

N_FOLDS = 5
N_REPEATS = 3

Classes = NDArray[np.bool_]
"""Of shape (items, classes): which classes an item's label names."""
Held = NDArray[np.bool_]
"""Of shape (folds of all repeats, items): whether a fold leaves an item out of what it learns."""
Positions = NDArray[np.intp]


def groups_of(items: pd.DataFrame) -> NDArray[np.int_]:
    """Give the group of each item, in the columns item_id and group; near copies share one."""
    item_ids, groups = items["item_id"].tolist(), items["group"].tolist()
    group_of = dict(zip(item_ids, groups, strict=True))
    leads = {group: group for group in groups}

    def leader(group: int) -> int:
        while leads[group] != group:
            leads[group] = group = leads[leads[group]]
        return group

    for members in _near_copies(item_ids):
        known = [leader(group_of[member]) for member in members if member in group_of]
        for other in known[1:]:
            leads[leader(other)] = leader(known[0])
    return np.array([leader(group) for group in groups])


def _near_copies(item_ids: Sequence[int]) -> set[tuple[int, ...]]:
    """List which items the last audit took for nearly the same picture, as stored."""
    table = schema.findings
    query = sa.select(table.c.members).where(table.c.finder == "near")
    with database.reading() as connection:
        return {
            tuple(members)
            for some in chunks(item_ids)
            for members in connection.execute(query.where(table.c.item_id.in_(some))).scalars()
        }


def held_out(classes: Classes, group_ids: NDArray[np.int_]) -> Held | None:
    """Draw the folds, three times over, and always the same ones for the same items.

    A class with fewer groups than folds is spread over as many folds as it has groups, so that
    what it has elsewhere can teach. None where no class has two groups.
    """
    members = _groups(group_ids)
    has = np.stack([classes[some].sum(axis=0) for some in members])
    is_single = bool((classes.sum(axis=1) == 1).all())
    n_most = int((has > 0).sum(axis=0).max(initial=0))
    if n_most < 2:
        return None
    n_folds = min(N_FOLDS, n_most if is_single else len(members))
    draw = _by_class if is_single else _by_all_classes
    found = []
    for seed in range(N_REPEATS):
        for chosen in draw(has, n_folds, seed):
            held = np.zeros(len(classes), dtype=np.bool_)
            held[np.concatenate([members[at] for at in chosen])] = True
            found.append(held)
    return np.stack(found)


def _groups(group_ids: NDArray[np.int_]) -> list[Positions]:
    """Collect the positions of each group's items, in the order of the first ones."""
    _, first, group_of = np.unique(group_ids, return_index=True, return_inverse=True)
    ordered = np.argsort(group_of, kind="stable")
    members = np.split(ordered, np.cumsum(np.bincount(group_of))[:-1])
    return [members[at] for at in np.argsort(first).tolist()]


def _by_class(has: Positions, n_folds: int, seed: int) -> list[Positions]:
    """Give the groups of each fold, stratified by their commonest class."""
    labels = has.argmax(axis=1)
    drawing = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # that a class has fewer than the folds is no surprise here
        warnings.filterwarnings("ignore", message="The least populated class")
        return [held for _, held in drawing.split(labels, labels)]


def _by_all_classes(has: Positions, n_folds: int, seed: int) -> list[Positions]:
    """Give the groups of each fold, stratified by all their classes (Sechidis et al. 2011)."""
    targets = (has > 0).astype(int)
    drawing = MultilabelStratifiedKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    return [held for _, held in drawing.split(targets, targets)]
