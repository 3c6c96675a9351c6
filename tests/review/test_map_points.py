"""The map of an audit, with what is known of each image now."""

import numpy as np
import pandas as pd
import pytest

from core.datasets import catalog, edits
from core.review import map_points
from core.store import files, frames
from tests import builders


@pytest.fixture
def ids() -> list[int]:
    """Leave an audit of four cats and two dogs: the first cat looks like a dog."""
    ids = builders.insert_dataset(
        {"cat": ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], "dog": ["e.jpg", "f.jpg"]}
    )
    place = pd.DataFrame({"item_id": ids, "x": np.arange(6.0), "y": 0.0})
    frames.save(files.audit_map("d-1"), place)
    judged = pd.DataFrame(
        {
            "item_id": ids,
            "content_hash": [one.content_hash for one in catalog.get_items(ids).values()],
            "label": ["cat"] * 4 + ["dog"] * 2,
            "part": "train",
            "oof_loss": [2.0, 0.1, 0.2, 0.3, 0.4, np.nan],
            "pred": ["dog", "cat", "cat", "cat", "dog", "dog"],
            "p_label": [0.1, 0.9, 0.8, 0.7, 0.6, np.nan],
            "p_pred": [0.9, 0.9, 0.8, 0.7, 0.6, np.nan],
            "outlier": 0.0,
        }
    )
    frames.save(files.audit_scores("d-1"), judged)
    return ids


def test_the_most_suspicious_come_first_with_what_they_look_like(ids):
    points = map_points.load("d-1")

    first, last = points.table.iloc[0], points.table.iloc[-1]
    assert points.n_all == 6
    assert (first["item_id"], first["pred"], first["x"]) == (ids[0], "dog", 0.0)
    assert first["suspicion"] == pytest.approx(1 - np.exp(-2.0))
    assert (last["item_id"], np.isnan(last["suspicion"])) == (ids[5], True)


def test_what_was_decided_is_seen_on_the_map(ids):
    for number, (kind, label) in enumerate(
        [("exclude", None), ("relabel", "dog"), ("keep", None)]
    ):
        edits.apply(
            "d-1", operation_id=f"o{number}", kind=kind, item_ids=[ids[number]], label=label
        )

    states = map_points.load("d-1").table.set_index("item_id")["state"]

    assert states[ids].tolist() == ["excluded", "relabelled", "kept"] + ["undecided"] * 3


def test_of_very_many_points_the_same_ones_are_drawn_each_time(ids):
    one, other = (map_points.load("d-1", most=3) for _ in range(2))

    assert (len(one.table), one.n_all) == (3, 6)
    assert one.table["item_id"].tolist() == other.table["item_id"].tolist()


def test_the_largest_classes_come_first_and_others_have_no_group(ids):
    table = map_points.load("d-1").table

    classes = map_points.largest_classes(table, multi=False)
    groups = map_points.groups(table, ["dog"], multi=False)

    assert classes == ["cat", "dog"]
    assert sorted(groups) == [-1] * 4 + [0] * 2


def test_of_several_labels_the_first_that_is_asked_for_counts():
    table = pd.DataFrame({"label": ["cat|dog", "dog", "", "owl"]})

    groups = map_points.groups(table, ["dog", "cat"], multi=True)

    assert groups.tolist() == [0, 0, -1, -1]
    assert map_points.largest_classes(table, multi=True) == ["dog", "cat", "owl"]


def test_an_audit_that_left_no_map_has_no_stamp():
    builders.insert_dataset({"cat": ["a.jpg"]})

    assert map_points.stamp("d-1") is None
