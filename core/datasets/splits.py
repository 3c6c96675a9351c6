"""Which part every item belongs to: assigned once, by groups, and never moved afterwards.

What an open scan has added or changed may have no group yet, and so gets no part: a split that is
made meanwhile leaves it out, and the end of the scan assigns it.
"""

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.datasets import rebuild
from core.domain.errors import InputError, NotFoundError
from core.domain.items import Part
from core.store import clock, database, ids, schema

SEED = 42
VALID_FRACTION = 0.2


@dataclass(frozen=True, kw_only=True)
class Split:
    """A named assignment of every readable item to train or valid."""

    id: str
    dataset_id: str
    name: str
    is_master: bool
    seed: int
    valid_fraction: float
    created_at: float


@dataclass(frozen=True, kw_only=True)
class Member:
    """What a split needs of an item; items of one group stay together."""

    item_id: int
    path: str
    label: str
    group: int
    content_hash: str
    is_present: bool = True  # a file that is gone still binds its group to its part


def make(dataset_id: str, *, seed: int = SEED, valid_fraction: float = VALID_FRACTION) -> Split:
    """Make a split, or give the one of the same seed and share; the first one is the master.

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


def parts_of_all(members: Sequence[Member], *, seed: int, fraction: float) -> dict[int, Part]:
    """Draw a part for every item, stratified by label over groups, the same for the same seed.

    A class with a single group goes to train. Every class has one group in train at least.
    """
    groups = _groups(members)
    labels = [_label(group) for group in groups]
    several = {label for label, number in Counter(labels).items() if number > 1}
    drawable = [at for at, label in enumerate(labels) if label in several]
    drawn = _draw([labels[at] for at in drawable], seed=seed, fraction=fraction)
    valid = {drawable[at] for at in drawn}
    return {
        member.item_id: "valid" if at in valid else "train"
        for at, group in enumerate(groups)
        for member in group
    }


def parts_of_new(
    members: Sequence[Member], parts: dict[int, Part], *, seed: int, fraction: float
) -> dict[int, Part]:
    """Choose a part for the items that have none: their group's, else what keeps the share.

    Groups are taken by a hash of seed and content, so the outcome does not hang on names.
    """
    n_items: Counter[str] = Counter()
    n_valid: Counter[str] = Counter()
    for member in members:
        if member.is_present and member.item_id in parts:
            n_items[member.label] += 1
            n_valid[member.label] += parts[member.item_id] == "valid"
    new: dict[int, Part] = {}
    for group in sorted(_groups(members), key=lambda group: _rank(seed, group)):
        homeless = [one for one in group if one.is_present and one.item_id not in parts]
        if not homeless:
            continue
        part = _part_of_group(group, parts)
        if part is None:
            label = _label(group)
            wanted = fraction * (n_items[label] + len(homeless))
            part = "valid" if n_valid[label] + len(homeless) <= wanted else "train"
        for member in homeless:
            new[member.item_id] = part
            n_items[member.label] += 1
            n_valid[member.label] += part == "valid"
    return new


def _make(dataset_id: str, seed: int, fraction: float, *, with_open: bool) -> Split:
    """Draw before anything is locked, and again in the rare case that the items differ by then."""
    with database.reading() as connection:
        equal = _equal(connection, dataset_id, seed, fraction)
        members = [] if equal else _drawable(connection, dataset_id, with_open)
    if equal:
        return equal
    parts = parts_of_all(members, seed=seed, fraction=fraction)
    with database.writing() as connection:
        equal = _equal(connection, dataset_id, seed, fraction)
        if equal:
            return equal
        now = _drawable(connection, dataset_id, with_open)
        if now != members:
            parts = parts_of_all(now, seed=seed, fraction=fraction)
        split = _new(connection, dataset_id, seed, fraction)
        _insert(connection, split.id, parts)
    return split


def _drawable(connection: sa.Connection, dataset_id: str, with_open: bool) -> list[Member]:
    open_ids = set() if with_open else rebuild.open_items(connection, dataset_id)
    members = _members(connection, dataset_id, ("ok",))
    found = [member for member in members if member.item_id not in open_ids]
    if not found:
        raise InputError(
            f"The dataset {dataset_id} has no readable images to split.",
            hint="Add images, one sub-folder a class, and let a scan of the folder end.",
        )
    return found


def _new(connection: sa.Connection, dataset_id: str, seed: int, fraction: float) -> Split:
    is_master = not _list(connection, dataset_id)
    split = Split(
        id=ids.new("split"),
        dataset_id=dataset_id,
        name="Master split" if is_master else f"Seed {seed}, {fraction:.0%} valid",
        is_master=is_master,
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
    same = (one for one in _list(connection, dataset_id) if one.seed == seed)
    return next((one for one in same if one.valid_fraction == fraction), None)


def _assign(connection: sa.Connection, split: Split) -> int:
    if not _has_homeless(connection, split):
        return 0
    members = _members(connection, split.dataset_id, ("ok", "gone"))
    table = schema.assignments
    query = sa.select(table.c.item_id, table.c.part).where(table.c.split_id == split.id)
    parts: dict[int, Part] = {row.item_id: row.part for row in connection.execute(query)}
    new = parts_of_new(members, parts, seed=split.seed, fraction=split.valid_fraction)
    _insert(connection, split.id, new)
    return len(new)


def _has_homeless(connection: sa.Connection, split: Split) -> bool:
    items, parts = schema.items, schema.assignments
    here = sa.and_(parts.c.item_id == items.c.id, parts.c.split_id == split.id)
    present = sa.and_(items.c.dataset_id == split.dataset_id, items.c.status == "ok")
    query = sa.select(items.c.id).where(present, ~sa.exists().where(here)).limit(1)
    return connection.execute(query).first() is not None


def _members(connection: sa.Connection, dataset_id: str, statuses: Sequence[str]) -> list[Member]:
    table = schema.items
    query = sa.select(table).where(table.c.dataset_id == dataset_id, table.c.status.in_(statuses))
    return [
        Member(
            item_id=row.id,
            path=row.path,
            label=row.label,
            group=row.group_id or row.id,
            content_hash=row.content_hash or "",
            is_present=row.status == "ok",
        )
        for row in connection.execute(query.order_by(table.c.path))
    ]


def _insert(connection: sa.Connection, split_id: str, parts: dict[int, Part]) -> None:
    rows = [{"split_id": split_id, "item_id": i, "part": part} for i, part in parts.items()]
    if rows:
        connection.execute(sa.insert(schema.assignments), rows)


def _groups(members: Sequence[Member]) -> list[list[Member]]:
    """Collect groups in the order of their first path, which does not hang on ids."""
    found: dict[int, list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda member: member.path):
        found[member.group].append(member)
    return list(found.values())


def _label(group: Iterable[Member]) -> str:
    numbers = Counter(member.label for member in group)
    return min(numbers, key=lambda label: (-numbers[label], label))


def _rank(seed: int, group: Sequence[Member]) -> tuple[str, str]:
    first = min(group, key=lambda member: (member.content_hash, member.path))
    mixed = hashlib.blake2b(f"{seed}:{first.content_hash}".encode(), digest_size=8)
    return mixed.hexdigest(), first.path


def _part_of_group(group: Iterable[Member], parts: dict[int, Part]) -> Part | None:
    return next((parts[m.item_id] for m in group if m.item_id in parts), None)


def _draw(labels: Sequence[str], *, seed: int, fraction: float) -> list[int]:
    """Choose positions for valid, stratified; one a class at least where there is room for it."""
    if not labels:
        return []
    from sklearn.model_selection import StratifiedShuffleSplit  # slow; never in the UI process

    n_classes = len(set(labels))
    n_valid = min(max(round(fraction * len(labels)), n_classes), len(labels) - n_classes)
    drawing = StratifiedShuffleSplit(n_splits=1, test_size=n_valid, random_state=seed)
    _, valid = next(drawing.split(np.zeros(len(labels)), labels))
    return [int(at) for at in valid]


def _split(row: Any) -> Split:
    return Split(
        id=row.id,
        dataset_id=row.dataset_id,
        name=row.name,
        is_master=row.is_master,
        seed=row.seed,
        valid_fraction=row.valid_fraction,
        created_at=row.created_at,
    )
