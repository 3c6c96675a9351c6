"""Draw parts: whole groups, stratified by class, seeded; nothing here touches the store.

Parts that a person's folders or table give are taken as they are, even where they tear a group
apart: then the split is the given one. A given split without valid images gets them from train.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import labellers
from core.domain.items import Part


@dataclass(frozen=True, kw_only=True)
class Member:
    """What a split needs of an item; items of one group stay together."""

    item_id: int
    path: str
    label: str
    group: int
    content_hash: str
    is_present: bool = True  # a file that is gone still binds its group to its part
    given: Part | None = None  # the part that its folder or row says


def parts_of_all(
    members: Sequence[Member], *, seed: int, fraction: float, multi: bool = False
) -> dict[int, Part]:
    """Draw a part for every item, stratified by label over groups, the same for the same seed.

    A class with a single group goes to train. Every class has one group in train at least, as far
    as parts are not given. With `multi` an item has several labels and is stratified by all.
    """
    parts = given_parts(members)
    drawn = [one for one in members if one.item_id not in parts]
    if "valid" in parts.values():
        return parts | {one.item_id: "train" for one in drawn}
    groups = _groups(drawn)
    draw = _draw_multi if multi else _draw_single
    valid = draw(groups, seed=seed, fraction=fraction)
    return parts | {
        member.item_id: "valid" if at in valid else "train"
        for at, group in enumerate(groups)
        for member in group
    }


def given_parts(members: Iterable[Member]) -> dict[int, Part]:
    """Give the parts that stand as they are given: all, or only test where no valid is given."""
    given = {one.item_id: one.given for one in members if one.given is not None}
    has_valid = "valid" in given.values()
    return {item: part for item, part in given.items() if has_valid or part == "test"}


def parts_of_new(
    members: Sequence[Member],
    parts: dict[int, Part],
    *,
    seed: int,
    fraction: float,
    multi: bool = False,
) -> dict[int, Part]:
    """Choose a part for the items that have none: given, or their group's, else by the share.

    Groups are taken by a hash of seed and content, so the outcome does not hang on names.
    """
    given = given_parts(members)
    tally = _Tally(fraction)
    for member in members:
        if member.is_present and parts.get(member.item_id, "test") != "test":
            tally.add(_labels(member, multi), parts[member.item_id])
    new: dict[int, Part] = {}
    for group in sorted(_groups(members), key=lambda group: _rank(seed, group)):
        homeless = [one for one in group if one.is_present and one.item_id not in parts]
        drawn = [one for one in homeless if one.item_id not in given]
        new |= {one.item_id: given[one.item_id] for one in homeless if one.item_id in given}
        if not drawn:
            continue
        labels = _labels_of_group(group, multi)
        part = _part_of_group(group, parts | new) or tally.choose(labels, len(drawn))
        for member in drawn:
            new[member.item_id] = part
            tally.add(_labels(member, multi), part)
    return new


class _Tally:
    """How many items a class has in train and valid, and where the next ones belong."""

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction
        self._n_items: Counter[str] = Counter()
        self._n_valid: Counter[str] = Counter()

    def add(self, labels: Collection[str], part: Part) -> None:
        self._n_items.update(labels)
        if part == "valid":
            self._n_valid.update(labels)

    def choose(self, labels: Collection[str], n_new: int) -> Part:
        """Keep the share of the rarest of the labels, which the others must not starve."""
        rarest = min(labels, key=lambda label: (self._n_items[label], label), default="")
        wanted = self._fraction * (self._n_items[rarest] + n_new)
        return "valid" if self._n_valid[rarest] + n_new <= wanted else "train"


def _groups(members: Iterable[Member]) -> list[list[Member]]:
    """Collect groups in the order of their first path, which does not hang on ids."""
    found: dict[int, list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda member: member.path):
        found[member.group].append(member)
    return list(found.values())


def _labels(member: Member, multi: bool) -> tuple[str, ...]:
    return labellers.split(member.label, multi=multi)


def _labels_of_group(group: Iterable[Member], multi: bool) -> tuple[str, ...]:
    """Give the labels that a group is stratified by: its commonest, or with `multi` all."""
    if multi:
        return tuple(sorted({label for member in group for label in _labels(member, multi)}))
    numbers = Counter(member.label for member in group)
    return (min(numbers, key=lambda label: (-numbers[label], label)),)


def _rank(seed: int, group: Sequence[Member]) -> tuple[str, str]:
    first = min(group, key=lambda member: (member.content_hash, member.path))
    mixed = hashlib.blake2b(f"{seed}:{first.content_hash}".encode(), digest_size=8)
    return mixed.hexdigest(), first.path


def _part_of_group(group: Iterable[Member], parts: dict[int, Part]) -> Part | None:
    return next((parts[m.item_id] for m in group if m.item_id in parts), None)


def _draw_single(groups: Sequence[list[Member]], *, seed: int, fraction: float) -> set[int]:
    """Choose groups for valid, stratified; one a class at least where there is room for it."""
    labels = [_labels_of_group(group, False)[0] for group in groups]
    several = {label for label, number in Counter(labels).items() if number > 1}
    drawable = [at for at, label in enumerate(labels) if label in several]
    if not drawable:
        return set()
    from sklearn.model_selection import StratifiedShuffleSplit  # slow; never in the UI process

    chosen = [labels[at] for at in drawable]
    n_classes = len(several)
    n_valid = min(max(round(fraction * len(chosen)), n_classes), len(chosen) - n_classes)
    drawing = StratifiedShuffleSplit(n_splits=1, test_size=n_valid, random_state=seed)
    _, valid = next(drawing.split(np.zeros(len(chosen)), chosen))
    return {drawable[int(at)] for at in valid}


def _draw_multi(groups: Sequence[list[Member]], *, seed: int, fraction: float) -> set[int]:
    """Choose groups for valid by iterative stratification (Sechidis et al. 2011).

    A group whose label no other group has stays in train.
    """
    labels = [_labels_of_group(group, True) for group in groups]
    numbers = Counter(label for found in labels for label in found)
    drawable = [at for at, found in enumerate(labels) if all(numbers[one] > 1 for one in found)]
    if len(drawable) < 2:
        return set()
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit  # imports scikit-learn

    vocab = {label: at for at, label in enumerate(sorted(numbers))}
    has = np.zeros((len(drawable), len(vocab) + 2), dtype=int)
    for row, at in enumerate(drawable):
        has[row, [vocab[label] for label in labels[at]]] = 1
        has[row, -2:] = not labels[at], bool(labels[at])  # no label at all is spread like one
    drawing = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=fraction, random_state=seed)
    _, valid = next(drawing.split(np.zeros(len(drawable)), has))
    return _with_train(labels, {drawable[int(at)] for at in valid})


def _with_train(labels: Sequence[tuple[str, ...]], valid: set[int]) -> set[int]:
    """Take groups out of valid until every label has one in train."""
    trained = {label for at, found in enumerate(labels) if at not in valid for label in found}
    for at in sorted(valid):
        if not trained.issuperset(labels[at]):
            valid = valid - {at}
            trained.update(labels[at])
    return valid
