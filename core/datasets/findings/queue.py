"""The review queue: what is left to decide about, the most suspicious first.

An item is in the queue while it has findings that hold and nobody has decided about it. Of copies
the first member that is still in use is the one to keep: no finding about it counts, so that
doing what all findings suggest never takes the last copy.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.datasets.catalog.queries import with_parts
from core.datasets.findings import registry
from core.domain.findings import KINDS, OF_COPIES, Finding, FindingKind
from core.domain.items import Part
from core.store import database, schema


@dataclass(frozen=True, kw_only=True)
class QueueFilter:
    """Which entries of the queue are wanted; None lets all through."""

    kinds: tuple[FindingKind, ...] | None = None
    labels: tuple[str, ...] | None = None  # current labels of the items
    parts: tuple[Part | None, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An item to decide about, with all findings about it, the highest score first."""

    item_id: int
    label: str
    part: Part | None
    findings: tuple[Finding, ...]

    @property
    def score(self) -> float:
        """Give the highest score of its findings."""
        return self.findings[0].score

    @property
    def copies(self) -> tuple[int, ...]:
        """List the ids of the copies it is one of, the one to keep first; empty where none."""
        return next((one.members for one in self.findings if one.members), ())


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a review is: items by what was decided about them, and what is left."""

    n_excluded: int
    n_relabelled: int
    n_kept: int
    n_left: int  # entries of the whole queue

    @property
    def n_reviewed(self) -> int:
        """Count the items that somebody has decided about."""
        return self.n_excluded + self.n_relabelled + self.n_kept


def entries(
    dataset_id: str, *, filters: QueueFilter | None = None, split_id: str | None = None
) -> list[Entry]:
    """List what is left to decide about, the most suspicious first; equal scores by kind, by id.

    With a filter by kind an entry has, and is ranked by, its findings of these kinds alone.
    """
    wanted = filters or QueueFilter()
    with database.reading() as connection:
        rows = connection.execute(_open_findings(dataset_id, split_id)).all()
        members = {item for row in rows for item in row.members or ()}
        in_use = _in_use(connection, dataset_id) if members else frozenset()
    found: dict[int, list[Finding]] = defaultdict(list)
    about: dict[int, tuple[str, Part | None]] = {}
    for row in rows:
        one = _holding(registry.finding(row), in_use)
        if one is not None and _passes(wanted, one.kind, row.item_label, row.part):
            found[row.item_id].append(one)
            about[row.item_id] = (row.item_label, row.part)
    made = [_entry(item_id, about[item_id], some) for item_id, some in found.items()]
    return sorted(made, key=_order)


def progress(dataset_id: str, *, n_left: int) -> Progress:
    """Count what was decided about a dataset's items, by the last edit in force of each."""
    items = schema.items
    query = sa.select(items.c.decision, sa.func.count()).where(items.c.dataset_id == dataset_id)
    with database.reading() as connection:
        counted = connection.execute(query.group_by(items.c.decision))
        number = Counter({kind: count for kind, count in counted if kind is not None})
    return Progress(
        n_excluded=number["exclude"],
        n_relabelled=number["relabel"],
        n_kept=number["keep"],
        n_left=n_left,
    )


def n_by_kind(found: Iterable[Entry]) -> dict[FindingKind, int]:
    """Count the entries with a finding of each kind, in the order of the kinds."""
    number = Counter(one.kind for entry in found for one in entry.findings)
    return {kind: number[kind] for kind in KINDS if number[kind]}


def _open_findings(dataset_id: str, split_id: str | None) -> sa.Select[tuple[object, ...]]:
    items, table = schema.items, schema.findings
    return (
        sa.select(table, items.c.label.label("item_label"), schema.assignments.c.part)
        .select_from(with_parts(split_id).join(table, table.c.item_id == items.c.id))
        .where(table.c.dataset_id == dataset_id, items.c.dataset_id == dataset_id)
        .where(items.c.status != "gone", items.c.decision.is_(None), ~items.c.excluded)
        .where(sa.or_(items.c.status == "ok", table.c.kind == "broken"))
        .where(sa.or_(table.c.label.is_(None), table.c.label != items.c.label))
    )


def _in_use(connection: sa.Connection, dataset_id: str) -> frozenset[int]:
    items = schema.items
    query = sa.select(items.c.id).where(
        items.c.dataset_id == dataset_id, items.c.status == "ok", ~items.c.excluded
    )
    return frozenset(connection.execute(query).scalars())


def _holding(one: Finding, in_use: frozenset[int]) -> Finding | None:
    """Give a finding with those of its members that are in use; None where it holds no more."""
    if one.kind not in OF_COPIES:
        return one
    left = tuple(item for item in one.members if item in in_use)
    if len(left) < 2 or left[0] == one.item_id:
        return None
    return Finding(
        item_id=one.item_id,
        kind=one.kind,
        score=one.score,
        reason=one.reason,
        suggestion=one.suggestion,
        label=one.label,
        members=left,
    )


def _passes(wanted: QueueFilter, kind: FindingKind, label: str, part: Part | None) -> bool:
    return (
        (wanted.kinds is None or kind in wanted.kinds)
        and (wanted.labels is None or label in wanted.labels)
        and (wanted.parts is None or part in wanted.parts)
    )


def _entry(item_id: int, about: tuple[str, Part | None], found: Sequence[Finding]) -> Entry:
    ordered = sorted(found, key=lambda one: (-one.score, KINDS.index(one.kind)))
    return Entry(item_id=item_id, label=about[0], part=about[1], findings=tuple(ordered))


def _order(entry: Entry) -> tuple[float, int, int]:
    return -entry.score, KINDS.index(entry.findings[0].kind), entry.item_id
