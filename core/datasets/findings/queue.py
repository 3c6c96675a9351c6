"""The review queue: what is left to decide about, the most suspicious first.

An item is in the queue while it has findings that hold and nobody has decided about it. Of copies
the first member that is still in use is the one to keep: no finding of copies counts about it.
All finders order equal files alike (`core.datasets.finders.keeping`), so that doing all that
findings of copies suggest never takes the last one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from core.datasets.catalog.queries import with_parts
from core.datasets.findings import reading
from core.datasets.multilabel import is_multi_label
from core.domain import labellers
from core.domain.findings import KINDS, OF_COPIES, Finding, FindingKind
from core.domain.items import Part
from core.store import database, schema

PLACES = {kind: place for place, kind in enumerate(KINDS)}
_About = tuple[str, Part | None, bool]
"""Of an item its label, its part, and whether it can be read: plain values, quick to read."""


@dataclass(frozen=True, kw_only=True)
class QueueFilter:
    """Which entries of the queue are wanted; None lets all through."""

    kinds: tuple[FindingKind, ...] | None = None
    labels: tuple[str, ...] | None = None  # classes; of a multi-label item any of its own
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
    def suggested(self) -> Finding | None:
        """Give the first of its findings that says what could be done; None: a person must see."""
        return next((one for one in self.findings if one.suggestion != "look"), None)

    @property
    def copies(self) -> tuple[int, ...]:
        """List the ids of the copies it is one of, the one to keep first; empty where none."""
        return next((one.members for one in self.findings if one.members), ())


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a review is: items by what was decided about them, and what is left."""

    n_excluded: int  # as they are now: one that is kept after it was excluded stays out
    n_relabelled: int
    n_kept: int
    n_reviewed: int  # items that somebody has decided about
    n_left: int  # entries of the whole queue


def entries(
    dataset_id: str, *, filters: QueueFilter | None = None, split_id: str | None = None
) -> list[Entry]:
    """List what is left to decide about, the most suspicious first; equal scores by kind, by id.

    With a filter by kind an entry has, and is ranked by, its findings of these kinds alone.
    """
    found: dict[int, list[Finding]] = defaultdict(list)
    stored = reading.of_dataset(dataset_id)
    with database.reading() as connection:
        rows = connection.execute(_open_items(dataset_id, split_id))
        about: dict[int, _About] = {
            item_id: (label, part, ok) for item_id, label, part, ok in rows
        }
        away = _not_in_use(connection, dataset_id)
        multi = is_multi_label(connection, dataset_id)
    for one in stored:
        its = about.get(one.item_id)
        held = _holding(one, away) if its is not None and _counts(one, its) else None
        if held is not None:
            found[one.item_id].append(held)
    made = [_entry(item_id, about[item_id], some) for item_id, some in found.items()]
    return chosen(sorted(made, key=_order), filters or QueueFilter(), multi=multi)


def chosen(found: Sequence[Entry], filters: QueueFilter, *, multi: bool = False) -> list[Entry]:
    """Choose among the entries of a whole queue those that a filter lets through, ranked anew.

    With `multi` an entry has several labels, of which any may be a wanted one.
    """
    if filters == QueueFilter():
        return list(found)
    here = [one for one in found if _is_wanted(one, filters, multi=multi)]
    if filters.kinds is None:
        return here
    of_kinds = (_of_kinds(one, filters.kinds) for one in here)
    return sorted((one for one in of_kinds if one is not None), key=_order)


def progress(dataset_id: str, *, n_left: int) -> Progress:
    """Count what the edits in force make of a dataset's items, and those decided about."""
    items = schema.items
    states = (items.c.excluded, items.c.decision)
    query = sa.select(*states, sa.func.count()).where(items.c.dataset_id == dataset_id)
    number: Counter[str] = Counter()
    n_reviewed = 0
    with database.reading() as connection:
        for is_excluded, decision, count in connection.execute(query.group_by(*states)):
            number["exclude" if is_excluded else decision] += count
            n_reviewed += count if decision is not None else 0
    return Progress(
        n_excluded=number["exclude"],
        n_relabelled=number["relabel"],
        n_kept=number["keep"],
        n_reviewed=n_reviewed,
        n_left=n_left,
    )


def n_by_kind(found: Iterable[Entry]) -> dict[FindingKind, int]:
    """Count the entries with a finding of each kind, in the order of the kinds."""
    number = Counter(one.kind for entry in found for one in entry.findings)
    return {kind: number[kind] for kind in KINDS if number[kind]}


def _open_items(dataset_id: str, split_id: str | None) -> sa.Select[Any]:
    """Select the items with findings that nobody has decided about."""
    items, found = schema.items, schema.findings
    with_findings = sa.select(found.c.item_id).where(found.c.dataset_id == dataset_id)
    return (
        sa.select(items.c.id, items.c.label, schema.assignments.c.part, items.c.status == "ok")
        .select_from(with_parts(split_id))
        .where(items.c.dataset_id == dataset_id, items.c.id.in_(with_findings))
        .where(items.c.status != "gone", items.c.decision.is_(None), ~items.c.excluded)
    )


def _not_in_use(connection: sa.Connection, dataset_id: str) -> frozenset[int]:
    items = schema.items
    away = sa.or_(items.c.status != "ok", items.c.excluded)
    query = sa.select(items.c.id).where(items.c.dataset_id == dataset_id, away)
    return frozenset(connection.execute(query).scalars())


def _counts(one: Finding, about: _About) -> bool:
    """Say whether a finding says something of an item as it is now."""
    label, _part, is_readable = about
    return (is_readable or one.kind == "broken") and one.label != label


def _holding(one: Finding, away: frozenset[int]) -> Finding | None:
    """Give a finding with those of its members that are in use; None where it holds no more."""
    if one.kind not in OF_COPIES:
        return one
    left = one.members
    if not away.isdisjoint(left):
        left = tuple(item for item in left if item not in away)
    if len(left) < 2 or left[0] == one.item_id:
        return None
    return one if left == one.members else replace(one, members=left)


def _is_wanted(one: Entry, filters: QueueFilter, *, multi: bool) -> bool:
    if filters.parts is not None and one.part not in filters.parts:
        return False
    if filters.labels is None:
        return True
    return not set(filters.labels).isdisjoint(labellers.split(one.label, multi=multi))


def _of_kinds(one: Entry, kinds: Sequence[FindingKind]) -> Entry | None:
    found = tuple(finding for finding in one.findings if finding.kind in kinds)
    if len(found) == len(one.findings):
        return one
    return replace(one, findings=found) if found else None


def _entry(item_id: int, about: _About, found: Sequence[Finding]) -> Entry:
    label, part, _is_readable = about
    ordered = sorted(found, key=lambda one: (-one.score, PLACES[one.kind]))
    return Entry(item_id=item_id, label=label, part=part, findings=tuple(ordered))


def _order(entry: Entry) -> tuple[float, int, int]:
    return -entry.score, PLACES[entry.findings[0].kind], entry.item_id
