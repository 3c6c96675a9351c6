"""What models say that had not seen an item: heads on features, and the runs of k folds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.datasets.suspicion import current
from core.store import database, files, frames, schema

COLUMNS = ["item_id", "oof_loss", "pred", "p_label", "p_pred"]
AUDITED = ["item_id", "label", "content_hash", "oof_loss", "pred", "p_label", "p_pred"]
SAME = ("revision", "split_id", "subset", "recipe", "seed")
"""What the runs of one set of folds have in common."""


def judged(dataset_id: str, now: pd.DataFrame, *, multi: bool = False) -> pd.DataFrame:
    """Give what is known of each item whose label is still as it was judged: `COLUMNS`.

    Whole networks that were trained without an item judge it better than heads on features: where
    there is a full set of folds, its word counts; of several sets their mean. With `multi` the
    audit's alone counts: a run's loss is of all labels, the audit's of the worst one.
    """
    audited = _of_audit(dataset_id, now)
    if multi:
        return audited
    folded = _of_folds(dataset_id, now)
    rest = audited[~audited["item_id"].isin(folded["item_id"])]
    found = [each for each in (folded, rest) if not each.empty]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def _of_audit(dataset_id: str, now: pd.DataFrame) -> pd.DataFrame:
    path = files.audit_scores(dataset_id)
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    held = current.still_so(frames.load(path, AUDITED), now)
    return held.loc[np.isfinite(held["oof_loss"].astype(float)), COLUMNS]


def _of_folds(dataset_id: str, now: pd.DataFrame) -> pd.DataFrame:
    sets = [
        current.still_so(table, now)
        for runs in _sets(dataset_id)
        if (table := _of_set(runs)) is not None
    ]
    if not sets:
        return pd.DataFrame(columns=COLUMNS)
    newest_first = pd.concat(sets, ignore_index=True)
    grouped = newest_first.groupby("item_id")
    means = grouped[["oof_loss", "p_label", "p_pred"]].mean()
    return means.assign(pred=grouped["pred"].first()).reset_index()[COLUMNS]


def _of_set(run_ids: Sequence[str]) -> pd.DataFrame | None:
    """Give what a set of folds says; None where it taught items that none of it has judged."""
    items = [
        frames.load(files.run_items(run_id), ["item_id", "part", "content_hash"])
        for run_id in run_ids
    ]
    found = pd.concat(map(_predicted, run_ids, items), ignore_index=True)
    taught = pd.concat([each[each["part"] == "train"] for each in items])
    return found if taught["item_id"].isin(found["item_id"]).all() else None


def _sets(dataset_id: str) -> list[list[str]]:
    """List the runs of each set of folds, counted from 0 without a gap; newest set first."""
    table = schema.runs
    mine = (table.c.dataset_id == dataset_id, table.c.status == "finished")
    query = sa.select(table).where(*mine, table.c.fold.is_not(None))
    with database.reading() as connection:
        rows = connection.execute(query.order_by(table.c.created_at.desc())).mappings().all()
    sets: dict[tuple[str, ...], dict[int, str]] = defaultdict(dict)
    for row in rows:
        sets[tuple(str(row[name]) for name in SAME)].setdefault(row["fold"], row["id"])
    return [
        list(runs.values())
        for runs in sets.values()
        if len(runs) > 1 and set(runs) == set(range(len(runs))) and _has_predicted(runs.values())
    ]


def _has_predicted(run_ids: Iterable[str]) -> bool:
    return all(files.run_predictions(run_id).exists() for run_id in run_ids)


def _predicted(run_id: str, items: pd.DataFrame) -> pd.DataFrame:
    """Read a run's predictions on the items that it did not train on, and the contents it saw."""
    table = frames.load(files.run_predictions(run_id))
    classes: Sequence[str] = files.load_json(files.run_model(run_id))["classes"]
    chances = table[[f"p_{at}" for at in range(len(classes))]].to_numpy()
    found = table[["item_id", "label", "pred"]].assign(oof_loss=table["loss"].astype(float))
    found = found.assign(p_label=np.exp(-found["oof_loss"]), p_pred=chances.max(axis=1))
    return found.merge(items[["item_id", "content_hash"]], on="item_id")
