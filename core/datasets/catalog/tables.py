"""A dataset as tables: for charts, and for the runs that train on it."""

import hashlib

import pandas as pd
import sqlalchemy as sa

from core.datasets import multilabel, rebuild, subsets
from core.datasets.catalog.queries import with_parts
from core.domain.errors import NotFoundError
from core.domain.labellers import LABEL_SEPARATOR
from core.domain.plans import Subset
from core.store import database, schema

COUNTED = ["label", "part", "n_in_use", "n_excluded", "n_broken"]
COLUMNS = ["item_id", "path", "label", "part", "content_hash"]


def counts(dataset_id: str, *, split_id: str | None = None) -> pd.DataFrame:
    """Count a dataset's present items: label, part, n_in_use, n_excluded, n_broken.

    An item of a multi-label dataset counts once for each of its labels, and without one nowhere;
    `catalog.totals` counts each once.
    """
    items, parts = schema.items, schema.assignments
    ok = items.c.status == "ok"
    query = (
        sa.select(
            items.c.label,
            parts.c.part,
            _number(sa.and_(ok, ~items.c.excluded)),
            _number(sa.and_(ok, items.c.excluded)),
            _number(items.c.status == "broken"),
        )
        .select_from(with_parts(split_id))
        .where(items.c.dataset_id == dataset_id, items.c.status != "gone")
        .group_by(items.c.label, parts.c.part)
        .order_by(items.c.label, parts.c.part)
    )
    with database.reading() as connection:
        multi = multilabel.is_multi_label(connection, dataset_id)
        frame = pd.DataFrame(connection.execute(query).all(), columns=COUNTED)
    return _by_class(frame) if multi else frame


def items_at(
    dataset_id: str, *, revision: int, split_id: str, subset: Subset | None = None
) -> pd.DataFrame:
    """List the items in use at a revision: item_id, path, label, part, content_hash, by path.

    Items without a part in the split are left out, and train is reduced by the subset.
    Raises NotFoundError for a split or a revision that the dataset does not have.
    """
    with database.reading() as connection:
        multi = multilabel.is_multi_label(connection, dataset_id)
        seed = _seed(connection, dataset_id, split_id)
        _check_revision(connection, dataset_id, revision)
        past = rebuild.items_at(connection, dataset_id, revision)
        assigned = sa.select(schema.assignments.c.item_id, schema.assignments.c.part)
        query = assigned.where(schema.assignments.c.split_id == split_id)
        found = connection.execute(query).partitions(rebuild.AT_ONCE)
        parts = {item_id: part for some in found for item_id, part in some}
        wanted = subset or Subset()
        ranks = subsets.ranks(connection, dataset_id, wanted)
    rows = [
        (item.item_id, item.path, item.label, parts[item.item_id], item.content_hash)
        for item in past
        if item.in_use and item.item_id in parts
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return subsets.choose(frame, wanted, seed=seed, multi=multi, ranks=ranks)


def fingerprint(frame: pd.DataFrame) -> str:
    """Hash what a run trains on: item, content, label and part of every row of `items_at`."""
    digest = hashlib.blake2b(digest_size=16)
    ordered = frame.sort_values("item_id")
    columns = (ordered[name] for name in ("item_id", "content_hash", "label", "part"))
    for row in zip(*columns, strict=True):
        digest.update("\0".join(map(str, row)).encode() + b"\n")
    return digest.hexdigest()


def _number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _by_class(frame: pd.DataFrame) -> pd.DataFrame:
    """Count each combination of labels for each of its labels."""
    split = frame["label"].str.split(LABEL_SEPARATOR, regex=False)
    single = frame.assign(label=split).explode("label")
    named = single[single["label"] != ""]
    return named.groupby(["label", "part"], dropna=False, as_index=False).sum()


def _seed(connection: sa.Connection, dataset_id: str, split_id: str) -> int:
    table = schema.splits
    query = sa.select(table.c.seed).where(table.c.id == split_id, table.c.dataset_id == dataset_id)
    seed: int | None = connection.execute(query).scalar_one_or_none()
    if seed is None:
        raise NotFoundError(
            f"The dataset {dataset_id} has no split {split_id}.",
            hint="Choose a split on the batches page.",
        )
    return seed


def _check_revision(connection: sa.Connection, dataset_id: str, revision: int) -> None:
    query = sa.select(schema.datasets.c.revision).where(schema.datasets.c.id == dataset_id)
    newest = connection.execute(query).scalar_one_or_none()
    if newest is None or not 0 <= revision <= newest:
        raise NotFoundError(
            f"The dataset {dataset_id} has no revision {revision}.",
            hint=f"Its newest revision is {newest}.",
        )
