"""Smaller subsets lie within larger ones, and valid stays whole."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets import catalog, edits, splits, subsets
from core.domain.plans import Subset
from tests.datasets import shelves


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
