"""Smaller subsets lie within larger ones, classes are cut in all parts, and valid stays whole."""

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets import catalog, edits, splits, subsets, trainable
from core.domain.errors import RecipeError
from core.domain.plans import RandomRemoval, Subset
from core.store import database, schema
from tests import builders
from tests.datasets import shelves

MANY_LABELS = st.lists(st.sets(st.sampled_from("abcd")).map(lambda s: "|".join(sorted(s))))
MULTI = {
    "kind": "table",
    "table": "labels.csv",
    "file_column": "file",
    "label_column": "labels",
    "separator": " ",
}


def table(n_items: int) -> pd.DataFrame:
    """Make a table of two classes, every fifth item in valid."""
    rows = [
        (at, f"p/{at:03d}", "ab"[at % 2], "valid" if at % 5 == 0 else "train", f"{at * 31:x}")
        for at in range(n_items)
    ]
    return pd.DataFrame(rows, columns=["item_id", "path", "label", "part", "content_hash"])


@settings(deadline=None)
@given(seed=st.integers(0, 99), small=st.integers(1, 30), more=st.integers(0, 30))
def test_subsets_are_nested_and_leave_valid_whole(seed: int, small: int, more: int) -> None:
    frame = table(100)

    less = subsets.choose(frame, Subset(per_class=small), seed=seed)
    larger = subsets.choose(frame, Subset(per_class=small + more), seed=seed)

    assert set(less["item_id"]) <= set(larger["item_id"])
    assert (less["part"] == "valid").sum() == 20
    assert less[less["part"] == "train"].groupby("label").size().to_dict() == {
        "a": min(small, 40),
        "b": min(small, 40),
    }
    assert less["path"].is_monotonic_increasing


def test_a_subset_by_rank_has_the_first_of_the_search_results_and_unranked_items_last() -> None:
    frame = table(40)
    ranks = {at: 40 - at for at in range(40) if at not in (37, 39)}

    chosen = subsets.choose(frame, Subset(per_class=3, by_rank=True), seed=1, ranks=ranks)

    train = chosen[chosen["part"] == "train"]
    assert train["item_id"].tolist() == [29, 31, 33, 34, 36, 38]
    assert (chosen["part"] == "valid").sum() == 8


def test_a_run_by_rank_trains_on_the_first_of_the_search_results() -> None:
    ids = builders.insert_dataset({"cat": list("abcdefgh"), "dog": list("ijklmnop")})
    with database.writing() as connection:
        for at, item_id in enumerate(ids):
            change = sa.update(schema.items).where(schema.items.c.id == item_id)
            connection.execute(change.values(rank=100 - at))

    subset = Subset(per_class=2, by_rank=True)
    frame = catalog.items_at("d-1", revision=1, split_id="s-1", subset=subset)

    train = frame[frame["part"] == "train"]["item_id"].tolist()
    assert train == [ids[5], ids[6], ids[13], ids[14]]
    assert subsets.take("d-1", "s-1", subset).train == {"cat": 2, "dog": 2}


def test_a_removed_image_only_moves_the_next_one_up() -> None:
    frame = table(100)
    chosen = subsets.choose(frame, Subset(per_class=10), seed=1)
    lost = chosen[(chosen["part"] == "train") & (chosen["label"] == "a")]["item_id"].iloc[0]

    after = subsets.choose(frame[frame["item_id"] != lost], Subset(per_class=10), seed=1)

    assert set(chosen["item_id"]) - set(after["item_id"]) == {lost}
    assert len(set(after["item_id"]) - set(chosen["item_id"])) == 1


def test_another_seed_chooses_other_images() -> None:
    first = subsets.choose(table(100), Subset(per_class=10), seed=1)
    second = subsets.choose(table(100), Subset(per_class=10), seed=2)

    assert set(first["item_id"]) != set(second["item_id"])


def test_the_counts_say_what_a_run_would_use() -> None:
    dataset_id, ids = shelves.shelved(("cat",) * 20 + ("dog",) * 10)
    split = splits.make(dataset_id)
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[-10:-2])
    subset = Subset(per_class=12)

    counted = subsets.train_counts(dataset_id, split.id, subset)

    frame = catalog.items_at(dataset_id, revision=2, split_id=split.id, subset=subset)
    train = frame[frame["part"] == "train"]
    assert counted == train.groupby("label").size().to_dict()
    assert counted["cat"] == 12


def test_fewer_classes_leave_the_others_out_of_every_part() -> None:
    frame = table(100).assign(label=[("a", "b", "c", "d")[at % 4] for at in range(100)])

    chosen = subsets.choose(frame, Subset(classes=("a", "c"), per_class=5), seed=1)

    by_part = chosen.groupby(["part", "label"]).size().to_dict()
    assert by_part == {
        ("train", "a"): 5,
        ("train", "c"): 5,
        ("valid", "a"): 5,
        ("valid", "c"): 5,
    }
    assert list(chosen.index) == list(range(20))


def test_the_images_of_a_class_are_the_same_whatever_classes_are_beside_it() -> None:
    frame = table(100).assign(label=[("a", "b", "c", "d")[at % 4] for at in range(100)])

    few = subsets.choose(frame, Subset(classes=("a", "c"), per_class=5), seed=1)
    all_classes = subsets.choose(frame, Subset(per_class=5), seed=1)

    assert set(few["item_id"]) <= set(all_classes["item_id"])


def test_labels_of_an_image_are_cut_down_to_the_chosen_classes() -> None:
    frame = table(5).assign(label=["a|b", "b|c", "c", "", "a|b|c"])

    chosen = subsets.choose(frame, Subset(classes=("a", "b")), seed=1, multi=True)

    assert chosen["label"].tolist() == ["a|b", "b", "a|b"]
    assert chosen["item_id"].tolist() == [0, 1, 4]


@settings(deadline=None)
@given(labels=MANY_LABELS, small=st.integers(1, 4), more=st.integers(0, 4))
def test_with_several_labels_subsets_are_nested_and_no_class_goes_short(
    labels: list[str], small: int, more: int
) -> None:
    frame = table(len(labels)).assign(label=labels, part="train")

    less = subsets.choose(frame, Subset(per_class=small), seed=3, multi=True)
    larger = subsets.choose(frame, Subset(per_class=small + more), seed=3, multi=True)

    assert set(less["item_id"]) <= set(larger["item_id"])
    for name in "abcd":
        n_all, n_taken = (sum(name in label for label in each["label"]) for each in (frame, less))
        assert n_taken >= min(small, n_all)


def test_what_a_run_would_use_is_counted_by_part_and_class() -> None:
    names = [f"{n}.jpg" for n in range(8)]
    ids = builders.insert_dataset({"cat": names, "dog": names, "owl": names})
    mine = sa.update(schema.assignments).where(schema.assignments.c.item_id.in_(ids[:2]))
    with database.writing() as connection:
        connection.execute(mine.values(part="test"))

    whole = subsets.take("d-1", "s-1", Subset())
    taken = subsets.take("d-1", "s-1", Subset(classes=("dog", "owl"), per_class=5))

    assert whole.train == {"cat": 4, "dog": 6, "owl": 6}
    assert (whole.n_train, whole.n_valid, whole.n_test) == (16, 6, 2)
    assert taken.train == {"dog": 5, "owl": 5}
    assert (taken.classes, taken.n_train, taken.n_valid) == (("dog", "owl"), 10, 4)


def test_a_class_that_only_test_has_is_none_that_a_run_knows() -> None:
    ids = builders.insert_dataset({"cat": ["1", "2"], "dog": ["3", "4"], "owl": ["5"]})
    mine = sa.update(schema.assignments).where(schema.assignments.c.item_id == ids[-1])
    with database.writing() as connection:
        connection.execute(mine.values(part="test"))

    assert subsets.take("d-1", "s-1", Subset()).classes == ("cat", "dog")


@pytest.fixture
def several_labels() -> str:
    """Insert 24 images, of which 8 have two labels."""
    names = [f"{n}.jpg" for n in range(8)]
    builders.insert_dataset({"bird|owl": names, "bird": names, "cat": names})
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(labeller=MULTI))
    return "d-1"


def test_an_image_with_two_labels_counts_for_both_and_is_one_image(several_labels: str) -> None:
    whole = subsets.take(several_labels, "s-1", Subset())
    taken = subsets.take(several_labels, "s-1", Subset(classes=("cat", "owl")))

    assert (whole.train, whole.n_train) == ({"bird": 12, "cat": 6, "owl": 6}, 18)
    assert (taken.train, taken.n_train, taken.n_valid) == ({"cat": 6, "owl": 6}, 12, 4)


def test_with_several_labels_too_the_counts_say_what_a_run_would_use(several_labels: str) -> None:
    subset = Subset(per_class=2)

    taken = subsets.take(several_labels, "s-1", subset)

    frame = catalog.items_at(several_labels, revision=1, split_id="s-1")
    chosen = subsets.choose(frame, subset, seed=42, multi=True)
    assert taken.n_train == (chosen["part"] == "train").sum()
    assert taken.train["cat"] == 2
    assert taken.train["owl"] >= 2
    assert taken.train["bird"] <= 4


def test_a_chosen_class_without_images_is_named_and_the_others_are_not() -> None:
    subset = Subset(classes=("cat", "dog", "owl"))

    with pytest.raises(RecipeError, match="for 3 classes, and no images of owl are in use"):
        trainable.check_classes(subset, ["cat", "dog", "emu"])


@settings(deadline=None)
@given(n=st.integers(1, 30), more=st.integers(0, 30), seed=st.integers(0, 9))
def test_what_is_removed_at_random_is_that_many_train_images_and_nested(
    n: int, more: int, seed: int
) -> None:
    frame = table(100)

    few, many = (
        subsets.choose(frame, Subset(without=RandomRemoval(n=number, seed=seed)), seed=1)
        for number in (n, n + more)
    )

    assert len(few) == 100 - n
    assert set(many["item_id"]) <= set(few["item_id"])
    assert (many["part"] == "valid").sum() == 20
    assert few["path"].is_monotonic_increasing


def test_another_draw_removes_other_images() -> None:
    first, second = (
        subsets.choose(table(100), Subset(without=RandomRemoval(n=10, seed=seed)), seed=1)
        for seed in (1, 2)
    )

    assert set(first["item_id"]) != set(second["item_id"])


def test_images_move_up_for_those_that_were_removed_at_random() -> None:
    subset = Subset(per_class=10, without=RandomRemoval(n=20, seed=1))

    chosen = subsets.choose(table(100), subset, seed=1)

    assert (chosen["part"] == "train").sum() == 20
    assert not set(chosen["item_id"]) <= set(
        subsets.choose(table(100), Subset(per_class=10), seed=1)["item_id"]
    )


def test_more_than_there_are_leaves_valid_alone() -> None:
    chosen = subsets.choose(table(10), Subset(without=RandomRemoval(n=50, seed=1)), seed=1)

    assert set(chosen["part"]) == {"valid"}


def test_a_subset_stored_before_removals_reads_as_one_without() -> None:
    assert Subset.model_validate({"per_class": 5}) == Subset(per_class=5, without=None)


@pytest.mark.parametrize("per_class", [None, 5])
def test_the_counts_say_what_is_left_after_a_random_removal(per_class: int | None) -> None:
    names = [f"{n}.jpg" for n in range(16)]
    builders.insert_dataset({"cat": names, "dog": names})
    subset = Subset(per_class=per_class, without=RandomRemoval(n=9, seed=3))

    taken = subsets.take("d-1", "s-1", subset)

    frame = catalog.items_at("d-1", revision=1, split_id="s-1", subset=subset)
    assert taken == subsets.count(frame, multi=False)
    assert taken.n_train == (10 if per_class else 15)
    assert taken.n_valid == 8
