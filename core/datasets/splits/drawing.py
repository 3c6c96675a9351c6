"""Draw parts: whole groups, stratified by class, seeded; nothing here touches the store."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

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
