"""Parts are drawn once, by groups, and nothing ever moves afterwards."""

import dataclasses
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets import catalog, changes, edits, scan, splits
from core.datasets.changes import Change
from core.datasets.splits import Member, drawing
from core.domain import labellers
from core.domain.errors import InputError, NotFoundError
from core.domain.items import Part
from core.domain.labellers import GrandparentLabeller
from core.store import database
from tests.datasets import corpus, shelves

QUICK = settings(max_examples=60, deadline=None)
MEMBERS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 30)), min_size=1, max_size=60)


def members(rows: list[tuple[str, int]], first: int = 0) -> list[Member]:
    """Make items of (label, group)."""
    return [
        Member(
            item_id=at,
            path=f"{label}/{at:04d}.jpg",
            label=label,
            group=group,
            content_hash=f"{at * 7919:032x}",
        )
        for at, (label, group) in enumerate(rows, start=first)
    ]


@QUICK
@given(rows=MEMBERS, seed=st.integers(0, 9), fraction=st.floats(0.01, 0.5))
def test_groups_stay_together_and_every_class_can_be_learnt(
    rows: list[tuple[str, int]], seed: int, fraction: float
) -> None:
    everyone = members(rows)

    parts = splits.parts_of_all(everyone, seed=seed, fraction=fraction)

    assert set(parts) == {member.item_id for member in everyone}
    by_group: dict[int, set[Part]] = {}
    for member in everyone:
        by_group.setdefault(member.group, set()).add(parts[member.item_id])
    assert all(len(found) == 1 for found in by_group.values())
    if len(by_group) == len(everyone):  # without groups over several classes: each one has train
        trained = {member.label for member in everyone if parts[member.item_id] == "train"}
        assert trained == {member.label for member in everyone}


@QUICK
@given(old=MEMBERS, new=MEMBERS, seed=st.integers(0, 9))
def test_new_items_move_no_old_one_and_join_their_group(
    old: list[tuple[str, int]], new: list[tuple[str, int]], seed: int
) -> None:
    before = splits.parts_of_all(members(old), seed=seed, fraction=0.2)

    added = splits.parts_of_new(
        members(old) + members(new, first=len(old)), before, seed=seed, fraction=0.2
    )

    assert not set(added) & set(before)
    parts = before | added
    groups: dict[int, set[Part]] = {}
    for member in members(old) + members(new, first=len(old)):
        groups.setdefault(member.group, set()).add(parts[member.item_id])
    assert all(len(found) == 1 for found in groups.values())


def test_the_share_is_kept_in_every_class_also_for_new_items() -> None:
    old = members([(label, at) for at, label in enumerate("ab" * 50)])
    new = members([(label, 500 + at) for at, label in enumerate("ab" * 100)], first=100)
    before = splits.parts_of_all(old, seed=42, fraction=0.2)

    parts = before | splits.parts_of_new(old + new, before, seed=42, fraction=0.2)

    valid = Counter(member.label for member in old + new if parts[member.item_id] == "valid")
    assert valid == {"a": 30, "b": 30}


def test_the_draw_does_not_hang_on_ids() -> None:
    rows = [(label, at) for at, label in enumerate("abc" * 10)]
    again = [
        Member(
            item_id=1000 - member.item_id,
            path=member.path,
            label=member.label,
            group=1000 - member.group,
            content_hash=member.content_hash,
        )
        for member in members(rows)
    ]

    first = splits.parts_of_all(members(rows), seed=3, fraction=0.3)
    second = splits.parts_of_all(again, seed=3, fraction=0.3)

    assert first == {1000 - item_id: part for item_id, part in second.items()}


def test_a_file_that_is_gone_still_binds_its_group() -> None:
    gone = Member(
        item_id=1, path="a/1.jpg", label="a", group=1, content_hash="1", is_present=False
    )
    copy = Member(item_id=2, path="a/2.jpg", label="a", group=1, content_hash="1")

    assert splits.parts_of_new([gone, copy], {1: "valid"}, seed=1, fraction=0.2) == {2: "valid"}


def test_the_first_split_is_the_master_and_an_equal_one_is_not_doubled() -> None:
    dataset_id, _ = shelves.shelved(("cat", "dog") * 10)

    master = splits.make(dataset_id)
    other = splits.make(dataset_id, seed=7, valid_fraction=0.3)

    assert splits.make(dataset_id) == master
    assert splits.make(dataset_id, seed=7, valid_fraction=0.3) == other
    assert splits.list_splits(dataset_id) == [master, other]
    assert splits.get_master(dataset_id) == master
    assert splits.get(other.id) == other
    assert (master.is_master, other.is_master) == (True, False)


def test_excluding_and_relabelling_moves_no_item_between_parts() -> None:
    dataset_id, ids = shelves.shelved(("cat", "dog") * 10)
    split = splits.make(dataset_id)
    before = catalog.items_at(dataset_id, revision=1, split_id=split.id).set_index("item_id")

    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[::3])
    edits.apply(dataset_id, operation_id="2", kind="relabel", item_ids=ids[1::3], label="fox")
    splits.assign_new(dataset_id)

    after = catalog.items_at(dataset_id, revision=3, split_id=split.id).set_index("item_id")
    assert set(after.index) == set(before.index) - set(ids[::3])
    assert (after["part"] == before.loc[after.index, "part"]).all()


def test_an_excluded_item_has_a_part_too() -> None:
    dataset_id, ids = shelves.shelved(("cat", "dog") * 10)
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[:5])

    split = splits.make(dataset_id)

    counted = splits.counts(split.id)
    assert counted["n_items"].sum() == 20
    assert counted["n_in_use"].sum() == 15


def test_more_classes_than_valid_images_still_give_a_valid_part() -> None:
    everyone = members([(f"class {at // 2}", at) for at in range(20)])

    parts = splits.parts_of_all(everyone, seed=42, fraction=0.2)

    assert Counter(parts.values()) == {"train": 10, "valid": 10}


def test_a_share_out_of_range_an_empty_dataset_and_an_unknown_split_are_refused() -> None:
    dataset_id, _ = shelves.shelved(("cat",))

    with pytest.raises(InputError, match=r"0\.9 cannot be the share"):
        splits.make(dataset_id, valid_fraction=0.9)
    with pytest.raises(InputError, match="no readable images"):
        splits.make("ds-none")
    with pytest.raises(NotFoundError, match="no split split-none"):
        splits.get("split-none")


def test_a_split_leaves_out_what_an_open_scan_has_added_or_changed() -> None:
    dataset_id, ids = shelves.shelved(("cat", "dog") * 10)
    splits.make(dataset_id)
    changed = {"content_hash": "f" * 32}
    batch = [
        Change(kind="added", item_id=None, values=shelves.columns(20, "cat"), before=None),
        Change(kind="changed", item_id=ids[3], values=changed, before=shelves.columns(3, "dog")),
    ]
    with database.writing() as connection:
        changes.store(connection, dataset_id, batch)

    split = splits.make(dataset_id, seed=7)

    items = catalog.get_items(list(shelves.by_path(dataset_id).values()), split_id=split.id)
    assert {item_id for item_id, item in items.items() if item.part} == set(ids) - {ids[3]}


def test_a_dataset_whose_first_scan_is_open_cannot_be_split_yet() -> None:
    dataset_id, _ = shelves.shelved(())
    added = Change(kind="added", item_id=None, values=shelves.columns(0, "cat"), before=None)
    with database.writing() as connection:
        changes.store(connection, dataset_id, [added])

    with pytest.raises(InputError, match="no readable images"):
        splits.make(dataset_id, seed=7)

    assert splits.list_splits(dataset_id) == []


def test_a_split_is_drawn_while_others_can_write(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset_id, ids = shelves.shelved(("cat", "dog") * 10)
    plain = splits.parts_of_all

    def excluding(*given: Any, **named: Any) -> dict[int, Part]:
        edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[:1])
        return plain(*given, **named)

    monkeypatch.setattr(drawing, "parts_of_all", excluding)

    split = splits.make(dataset_id)

    assert splits.counts(split.id)["n_items"].sum() == 20
    assert catalog.get_item(ids[0]).excluded


def test_items_that_differ_after_the_draw_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset_id, ids = shelves.shelved(("cat", "dog") * 10)
    plain = splits.parts_of_all
    before = shelves.columns(0, "cat")
    batch = [Change(kind="changed", item_id=ids[0], values={"mtime_ns": 9}, before=before)]
    drawn: list[int] = []

    def meanwhile(members: list[Member], **named: Any) -> dict[int, Part]:
        if not drawn:
            with database.writing() as connection:
                changes.store(connection, dataset_id, batch)
        drawn.append(len(members))
        return plain(members, **named)

    monkeypatch.setattr(drawing, "parts_of_all", meanwhile)

    split = splits.make(dataset_id)

    assert drawn == [20, 19]
    assert catalog.get_item(ids[0], split_id=split.id).part is None
    assert splits.counts(split.id)["n_items"].sum() == 19


def test_the_server_never_imports_scikit_learn() -> None:
    modules = "catalog, edits, splits, subsets, thumbnails, folders, images, sample, scan"
    code = f"import sys; from core.datasets import {modules}; print('sklearn' in sys.modules)"

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout == "False\n"


def with_given(rows: list[tuple[str, Part | None]]) -> list[Member]:
    """Make items that each are a group of their own, of (label, given part)."""
    plain = members([(label, at) for at, (label, _part) in enumerate(rows)])
    return [
        dataclasses.replace(one, given=part) for one, (_, part) in zip(plain, rows, strict=True)
    ]


def test_given_parts_are_the_split_even_where_they_tear_a_group_apart() -> None:
    everyone = [
        dataclasses.replace(one, group=7)
        for one in with_given([("a", "train"), ("a", "valid"), ("b", "test"), ("b", None)])
    ]

    parts = splits.parts_of_all(everyone, seed=42, fraction=0.2)

    assert list(parts.values()) == ["train", "valid", "test", "train"]


def test_given_train_and_test_get_their_valid_images_from_train() -> None:
    everyone = with_given([("ab"[at % 2], "test" if at % 5 == 0 else "train") for at in range(50)])

    parts = splits.parts_of_all(everyone, seed=42, fraction=0.2)

    assert Counter(parts.values()) == {"test": 10, "train": 32, "valid": 8}
    assert all((parts[one.item_id] == "test") == (one.given == "test") for one in everyone)


def test_new_items_of_a_given_split_go_where_they_are_given() -> None:
    old = with_given([("a", "train"), ("a", "valid"), ("a", "train")])
    before = splits.parts_of_all(old, seed=42, fraction=0.2)
    new = [
        dataclasses.replace(one, item_id=one.item_id + 10, group=one.group + 10)
        for one in with_given([("a", "valid"), ("a", "test"), ("a", "train")])
    ]

    added = splits.parts_of_new([*old, *new], before, seed=42, fraction=0.2)

    assert added == {10: "valid", 11: "test", 12: "train"}


LABEL_SETS = st.sets(st.sampled_from(["haze", "road", "sea", "rare"]), max_size=3)


@QUICK
@given(rows=st.lists(LABEL_SETS, min_size=1, max_size=60), seed=st.integers(0, 9))
def test_several_labels_are_split_so_that_each_can_be_learnt(
    rows: list[set[str]], seed: int
) -> None:
    everyone = members([(labellers.join(labels), at) for at, labels in enumerate(rows)])

    parts = splits.parts_of_all(everyone, seed=seed, fraction=0.3, multi=True)

    assert set(parts) == {member.item_id for member in everyone}
    trained = {label for at, labels in enumerate(rows) if parts[at] == "train" for label in labels}
    assert trained == set().union(*rows)
    assert parts == splits.parts_of_all(everyone, seed=seed, fraction=0.3, multi=True)


def test_several_labels_keep_their_share_in_valid() -> None:
    draw = random.Random(3)
    sets = [{one for one in ("haze", "road", "sea") if draw.random() < 0.3} for _ in range(400)]
    everyone = members([(labellers.join(labels), at) for at, labels in enumerate(sets)])

    parts = splits.parts_of_all(everyone, seed=42, fraction=0.25, multi=True)

    for label in ("haze", "road", "sea"):
        having = [at for at, labels in enumerate(sets) if label in labels]
        share = sum(parts[at] == "valid" for at in having) / len(having)
        assert share == pytest.approx(0.25, abs=0.03)


def test_a_given_split_is_stored_as_one_and_a_further_one_leaves_test_alone(
    tmp_path: Path,
) -> None:
    for part, number in (("train", 12), ("valid", 3), ("test", 4)):
        for label in ("cat", "dog"):
            for at in range(number):
                corpus.put(
                    tmp_path / part / label / f"{at}.jpg",
                    corpus.jpeg(number * 1000 + (label == "dog") * 100 + at),
                )
    dataset = catalog.open_folder(str(tmp_path), labeller=GrandparentLabeller())
    scan.run(dataset.id, shelves.Lease())

    master = splits.get_master(dataset.id)
    other = splits.make(dataset.id, seed=3, valid_fraction=0.4)

    assert master is not None
    assert (master.is_given, round(master.valid_fraction, 3)) == (True, 0.2)
    assert per_part(master.id) == {"train": 24, "valid": 6, "test": 8}
    assert (other.is_given, per_part(other.id)) == (False, {"train": 18, "valid": 12, "test": 8})


def per_part(split_id: str) -> dict[str, int]:
    """Count the items of each part."""
    counted = splits.counts(split_id).groupby("part")["n_items"].sum()
    return {part: int(number) for part, number in counted.items()}
