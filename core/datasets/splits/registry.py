"""The splits of a dataset and who belongs to which part, in the store.

What an open scan has added or changed may have no group yet, and so gets no part: a split that is
made meanwhile leaves it out, and the end of the scan assigns it.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.datasets import multilabel, rebuild
from core.datasets.splits import drawing
from core.domain.errors import InputError, NotFoundError
from core.domain.items import Part
from core.store import clock, database, ids, schema

SEED = 42
VALID_FRACTION = 0.2


@dataclass(frozen=True, kw_only=True)
class Split:
    """A named assignment of every readable item to train, valid or test."""

    id: str
    dataset_id: str
    name: str
    is_master: bool
    is_given: bool  # by the dataset's folders or its table, not drawn
    seed: int
    valid_fraction: float
    created_at: float


def make(dataset_id: str, *, seed: int = SEED, valid_fraction: float = VALID_FRACTION) -> Split:
    """Make a split, or give the one of the same seed and share; the first one is the master.

    Only the master takes given valid images; a further split draws its own, and leaves test alone.
    Leaves out what an open scan has added or changed: `assign_new` is for those. Imports
    scikit-learn, so it belongs into a worker. Raises InputError for a share outside 0.01–0.5 and
    for a dataset without readable images.
    """
    if not 0.01 <= valid_fraction <= 0.5:
        raise InputError(
            f"{valid_fraction:g} cannot be the share of valid images.",
            hint="Choose a share between 0.01 and 0.5.",
        )
    return _make(dataset_id, seed, valid_fraction, with_open=False)


def make_master(dataset_id: str) -> Split:
    """Make the master split of all readable images; for the end of a scan, which has grouped them.

    Raises InputError for a dataset without readable images.
    """
    return _make(dataset_id, SEED, VALID_FRACTION, with_open=True)


def list_splits(dataset_id: str) -> list[Split]:
    """List a dataset's splits, the master first."""
    with database.reading() as connection:
        return _list(connection, dataset_id)


def get(split_id: str) -> Split:
    """Get a split; raises NotFoundError."""
    query = sa.select(schema.splits).where(schema.splits.c.id == split_id)
    with database.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"There is no split {split_id}.", hint="Choose a split on the batches page."
        )
    return _split(row)


def get_master(dataset_id: str) -> Split | None:
    """Get the split that fixes the validation images; None before the first scan has ended."""
    found = list_splits(dataset_id)
    return found[0] if found and found[0].is_master else None


def counts(split_id: str) -> pd.DataFrame:
    """Count the present, readable items of a split: label, part, n_items, n_in_use."""
    items, parts = schema.items, schema.assignments
    used = sa.func.sum(sa.case((items.c.excluded, 0), else_=1))
    query = (
        sa.select(items.c.label, parts.c.part, sa.func.count(), used)
        .join(parts, parts.c.item_id == items.c.id)
        .where(parts.c.split_id == split_id, items.c.status == "ok")
        .group_by(items.c.label, parts.c.part)
        .order_by(items.c.label, parts.c.part)
    )
    with database.reading() as connection:
        rows = connection.execute(query).all()
    return pd.DataFrame(rows, columns=["label", "part", "n_items", "n_in_use"])


def count_torn_groups(split_id: str) -> int:
    """Count the groups of equal and nearly equal images in use that lie in several parts."""
    items, parts = schema.items, schema.assignments
    torn = (
        sa.select(items.c.group_id)
        .join(parts, parts.c.item_id == items.c.id)
        .where(parts.c.split_id == split_id, items.c.group_id.is_not(None))
        .where(items.c.status == "ok", ~items.c.excluded)
        .group_by(items.c.group_id)
        .having(sa.func.count(parts.c.part.distinct()) > 1)
    )
    with database.reading() as connection:
        found = connection.execute(sa.select(sa.func.count()).select_from(torn.subquery()))
        return int(found.scalar_one())


def assign_new(dataset_id: str) -> int:
    """Give the items without a part one, in every split; no item that has one moves.

    Belongs to the end of a scan, when all items are grouped. Returns how many assignments were
    added.
    """
    added = 0
    for split in list_splits(dataset_id):
        with database.writing() as connection:
            added += _assign(connection, split)
    return added


def assign_rest(connection: sa.Connection, dataset_id: str) -> int:
    """Do what `assign_new` does within a transaction: quick where every item has its part."""
    return sum(_assign(connection, split) for split in _list(connection, dataset_id))


def _make(dataset_id: str, seed: int, fraction: float, *, with_open: bool) -> Split:
    """Draw before anything is locked, and again in the rare case that the items differ by then."""
    with database.reading() as connection:
        equal = _equal(connection, dataset_id, seed, fraction)
        members = [] if equal else _drawable(connection, dataset_id, with_open)
        multi = multilabel.is_multi_label(connection, dataset_id)
    if equal:
        return equal
    parts = drawing.parts_of_all(members, seed=seed, fraction=fraction, multi=multi)
    with database.writing() as connection:
        equal = _equal(connection, dataset_id, seed, fraction)
        if equal:
            return equal
        now = _drawable(connection, dataset_id, with_open)
        if now != members:
            parts = drawing.parts_of_all(now, seed=seed, fraction=fraction, multi=multi)
        split = _new(connection, dataset_id, seed, _share(parts, now, fraction), now)
        _insert(connection, split.id, parts)
    return split


def _share(parts: dict[int, Part], members: Sequence[drawing.Member], wanted: float) -> float:
    """Give the share of valid that a given split has; a drawn one has what was wanted."""
    if not _gives_valid(members):
        return wanted
    n_valid = sum(part == "valid" for part in parts.values())
    n_test = sum(part == "test" for part in parts.values())
    return n_valid / (len(parts) - n_test)


def _gives_valid(members: Sequence[drawing.Member]) -> bool:
    return any(one.given == "valid" for one in members)


def _drawable(connection: sa.Connection, dataset_id: str, with_open: bool) -> list[drawing.Member]:
    open_ids = set() if with_open else rebuild.open_items(connection, dataset_id)
    members = _members(connection, dataset_id, ("ok",))
    if _list(connection, dataset_id):
        members = [_without_valid(member) for member in members]
    found = [member for member in members if member.item_id not in open_ids]
    if not found:
        raise InputError(
            f"The dataset {dataset_id} has no readable images to split.",
            hint="Add images, one sub-folder a class, and let a scan of the folder end.",
        )
    return found


def _without_valid(member: drawing.Member) -> drawing.Member:
    """Let a further split draw its own valid images."""
    return dataclasses.replace(member, given="test" if member.given == "test" else None)


def _new(
    connection: sa.Connection,
    dataset_id: str,
    seed: int,
    fraction: float,
    members: Sequence[drawing.Member],
) -> Split:
    is_master = not _list(connection, dataset_id)
    split = Split(
        id=ids.new("split"),
        dataset_id=dataset_id,
        name="Master split" if is_master else f"Seed {seed}, {fraction:.0%} valid",
        is_master=is_master,
        is_given=_gives_valid(members),
        seed=seed,
        valid_fraction=fraction,
        created_at=clock.now(),
    )
    connection.execute(sa.insert(schema.splits).values(**dataclasses.asdict(split)))
    return split


def _list(connection: sa.Connection, dataset_id: str) -> list[Split]:
    table = schema.splits
    query = sa.select(table).where(table.c.dataset_id == dataset_id)
    order = (table.c.is_master.desc(), table.c.created_at)
    return [_split(row) for row in connection.execute(query.order_by(*order))]


def _equal(connection: sa.Connection, dataset_id: str, seed: int, fraction: float) -> Split | None:
    drawn = (one for one in _list(connection, dataset_id) if not one.is_given)
    same = (one for one in drawn if (one.seed, one.valid_fraction) == (seed, fraction))
    return next(same, None)


def _assign(connection: sa.Connection, split: Split) -> int:
    if not _has_homeless(connection, split):
        return 0
    members = _members(connection, split.dataset_id, ("ok", "gone"))
    if not split.is_given:
        members = [_without_valid(member) for member in members]
    multi = multilabel.is_multi_label(connection, split.dataset_id)
    table = schema.assignments
    query = sa.select(table.c.item_id, table.c.part).where(table.c.split_id == split.id)
    parts: dict[int, Part] = {row.item_id: row.part for row in connection.execute(query)}
    new = drawing.parts_of_new(
        members, parts, seed=split.seed, fraction=split.valid_fraction, multi=multi
    )
    _insert(connection, split.id, new)
    return len(new)


def _has_homeless(connection: sa.Connection, split: Split) -> bool:
    items, parts = schema.items, schema.assignments
    here = sa.and_(parts.c.item_id == items.c.id, parts.c.split_id == split.id)
    present = sa.and_(items.c.dataset_id == split.dataset_id, items.c.status == "ok")
    query = sa.select(items.c.id).where(present, ~sa.exists().where(here)).limit(1)
    return connection.execute(query).first() is not None


def _members(
    connection: sa.Connection, dataset_id: str, statuses: Sequence[str]
) -> list[drawing.Member]:
    table = schema.items
    query = sa.select(table).where(table.c.dataset_id == dataset_id, table.c.status.in_(statuses))
    return [
        drawing.Member(
            item_id=row.id,
            path=row.path,
            label=row.label,
            group=row.group_id or row.id,
            content_hash=row.content_hash or "",
            is_present=row.status == "ok",
            given=row.recorded_part,
        )
        for row in connection.execute(query.order_by(table.c.path))
    ]


def _insert(connection: sa.Connection, split_id: str, parts: dict[int, Part]) -> None:
    rows = [{"split_id": split_id, "item_id": i, "part": part} for i, part in parts.items()]
    if rows:
        connection.execute(sa.insert(schema.assignments), rows)


def _split(row: Any) -> Split:
    return Split(
        id=row.id,
        dataset_id=row.dataset_id,
        name=row.name,
        is_master=row.is_master,
        is_given=row.is_given,
        seed=row.seed,
        valid_fraction=row.valid_fraction,
        created_at=row.created_at,
    )
