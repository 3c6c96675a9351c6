"""The review queue as a person steps through it: entries with all that helps to decide about them.

The list of what is left is kept for each state of the dataset; of its entries only a window is
brought together with its images: the nearest ones, examples of both classes, copies.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.datasets import catalog, findings
from core.datasets.findings import Entry, QueueFilter
from core.domain import labellers
from core.domain.errors import ConflictError
from core.domain.findings import Finding
from core.domain.items import Dataset, Item
from core.review import beside
from core.review.beside import Near
from core.store import database

N_NEAR = 6
N_EXAMPLES = 4
MOST_CLASSES = 3
"""Of so many classes examples are shown: of one label its own and the suggested one."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """All entries of a dataset's queue, the most suspicious first."""

    dataset_id: str
    split_id: str | None
    is_multi: bool
    entries: tuple[Entry, ...]
    by_item: Mapping[int, Entry]

    def choose(self, filters: QueueFilter) -> list[Entry]:
        """List the entries that a filter lets through, ranked by what it leaves of them."""
        return findings.chosen(self.entries, filters, multi=self.is_multi)


@dataclass(frozen=True, kw_only=True)
class Card:
    """An entry with the images to look at beside its own."""

    entry: Entry
    others: tuple[Finding, ...]  # what else is found about it: a filter left it out
    item: Item
    near: tuple[tuple[Item, float], ...]  # in use, with the cosine of the features, nearest first
    copies: tuple[Item, ...]  # of the same thing and in use, the one to keep first
    examples: Mapping[str, tuple[Item, ...]]  # by class, the most typical first


def load(dataset: Dataset, *, split_id: str | None) -> Queue:
    """Load what is left to decide about; read anew after a decision, a scan, or a finder."""
    state = (dataset.revision, dataset.scanned_at, findings.stamp(dataset.id))
    return _load(database.url(), dataset.id, split_id, dataset.is_multi_label, state)


def window(queue: Queue, entries: Sequence[Entry], *, start: int, n: int) -> list[Card]:
    """Give the cards of `n` entries from a position on; fewer at the end of the list."""
    return cards(queue, entries[start : start + n])


def cards(queue: Queue, entries: Sequence[Entry]) -> list[Card]:
    """Bring entries together with their images; those whose item has vanished are left out."""
    nearest = beside.nearest(queue.dataset_id, [one.item_id for one in entries])
    wanted = {one.item_id: _classes(one, multi=queue.is_multi) for one in entries}
    names = dict.fromkeys(name for some in wanted.values() for name in some)
    typical = beside.typical(queue.dataset_id, list(names), without=queue.by_item)
    items = _items(queue, entries, nearest, typical)
    return [
        Card(
            entry=one,
            others=_others(queue, one),
            item=items[one.item_id],
            near=_near(one, nearest.get(one.item_id, ()), items),
            copies=tuple(items[copy] for copy in one.copies if copy in items),
            examples={name: _examples(one, typical[name], items) for name in wanted[one.item_id]},
        )
        for one in entries
        if one.item_id in items
    ]


def check_one_is_left(copies: Sequence[int], *, excluded: Iterable[int]) -> None:
    """Raise ConflictError where an exclusion would leave none of some copies in use.

    The page that asked for it may be older than what another one did.
    """
    left = set(copies).difference(excluded)
    in_use = [one for one in catalog.get_items(list(left)).values() if one.in_use]
    if copies and not in_use:
        raise ConflictError(
            "No copy would be left: the one that was to be kept has been excluded meanwhile.",
            hint="Look at the group again: another copy is proposed to be kept.",
        )


@functools.lru_cache(maxsize=4)
def _load(
    _address: str, dataset_id: str, split_id: str | None, is_multi: bool, _state: object
) -> Queue:
    found = tuple(findings.entries(dataset_id, split_id=split_id))
    return Queue(
        dataset_id=dataset_id,
        split_id=split_id,
        is_multi=is_multi,
        entries=found,
        by_item={one.item_id: one for one in found},
    )


def _classes(entry: Entry, *, multi: bool) -> tuple[str, ...]:
    """Name the classes that examples are shown of: its own, and first those that differ."""
    own = labellers.split(entry.label, multi=multi)
    suggested = entry.suggested
    if suggested is None or suggested.label is None:
        return own[:MOST_CLASSES]
    others = labellers.split(suggested.label, multi=multi)
    differing = [name for name in (*others, *own) if (name in own) != (name in others)]
    return tuple(dict.fromkeys([*differing, *own]))[:MOST_CLASSES]


def _items(
    queue: Queue,
    entries: Sequence[Entry],
    nearest: Mapping[int, Sequence[Near]],
    typical: Mapping[str, Sequence[int]],
) -> dict[int, Item]:
    ids = [one.item_id for one in entries]
    ids += [near.item_id for some in nearest.values() for near in some]
    ids += [copy for one in entries for copy in one.copies]
    ids += [item_id for some in typical.values() for item_id in some]
    found = catalog.get_items(list(dict.fromkeys(ids)), split_id=queue.split_id)
    return {item_id: one for item_id, one in found.items() if one.dataset_id == queue.dataset_id}


def _others(queue: Queue, entry: Entry) -> tuple[Finding, ...]:
    whole = queue.by_item.get(entry.item_id, entry)
    return tuple(one for one in whole.findings if one not in entry.findings)


def _near(
    entry: Entry, nearest: Sequence[Near], items: Mapping[int, Item]
) -> tuple[tuple[Item, float], ...]:
    shown = [
        (items[one.item_id], one.similarity)
        for one in nearest
        if one.item_id in items and items[one.item_id].in_use and one.item_id not in entry.copies
    ]
    return tuple(shown[:N_NEAR])


def _examples(entry: Entry, typical: Sequence[int], items: Mapping[int, Item]) -> tuple[Item, ...]:
    shown = [items[one] for one in typical if one != entry.item_id and one in items]
    return tuple(one for one in shown if one.in_use)[:N_EXAMPLES]
