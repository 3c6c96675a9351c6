import pytest

from core.datasets import edits
from core.domain.errors import InputError
from core.review import compare
from core.runs import runs
from core.store import files, frames
from tests import builders


@pytest.fixture
def valid_ids() -> list[int]:
    ids = builders.insert_dataset({"cat": list("abcdefgh"), "dog": list("abcdefgh")})
    return ids[3::4]


def test_only_what_differs_is_listed(valid_ids):
    builders.insert_run("run-1", seed=1)
    builders.insert_run("run-2", seed=2)

    rows = compare.differences([runs.get("run-1"), runs.get("run-2")])

    assert [(row.field, row.values) for row in rows] == [("seed", ("1", "2"))]


def test_where_a_run_began_is_listed_by_its_name(valid_ids):
    builders.insert_run("run-1")
    builders.insert_run("run-2", begins_from="run-1")

    rows = compare.differences([runs.get("run-1"), runs.get("run-2")])

    assert [(row.field, row.values) for row in rows] == [
        ("begins from", ("the recipe's start", "run-1 (run-1)"))
    ]


def test_runs_are_scored_on_the_images_both_have(valid_ids):
    first, second, third, fourth = valid_ids
    for run_id in ("run-1", "run-2"):
        builders.insert_run(run_id)
    cat, dog = [0.9, 0.1], [0.2, 0.8]
    builders.save_predictions(
        "run-1", ["cat", "dog"], [first, second, third], [0, 0, 1], [cat, dog, dog]
    )
    builders.save_predictions(
        "run-2", ["cat", "dog"], [fourth, third, second], [1, 1, 0], [dog, dog, cat]
    )

    found = compare.on_same_images(["run-1", "run-2"])

    assert found.n_items == 2
    assert [scores["accuracy"] for scores in found.metrics] == [0.5, 1.0]
    assert (found.now_right, found.now_wrong) == ((second,), ())


def test_the_newest_labels_and_exclusions_count_for_both_runs(valid_ids):
    cat, dog = [0.9, 0.1], [0.2, 0.8]
    for run_id in ("run-1", "run-2"):
        builders.insert_run(run_id)
        builders.save_predictions(
            run_id, ["cat", "dog"], valid_ids, [0, 0, 1, 1], [cat, dog, dog, cat]
        )

    edits.apply("d-1", operation_id="o1", kind="relabel", item_ids=[valid_ids[1]], label="dog")
    edits.apply("d-1", operation_id="o2", kind="exclude", item_ids=[valid_ids[3]])
    found = compare.on_same_images(["run-1", "run-2"])

    assert (found.revision, found.n_items) == (3, 3)
    assert found.metrics[0]["accuracy"] == 1.0


def test_an_image_whose_file_changed_between_the_runs_does_not_count(valid_ids):
    p = [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]]
    for run_id in ("run-1", "run-2"):
        builders.insert_run(run_id)
        builders.save_predictions(run_id, ["cat", "dog"], valid_ids, [0, 0, 1, 1], p)
    items = frames.load(files.run_items("run-2"))
    items.loc[0, "content_hash"] = "other"
    frames.save(files.run_items("run-2"), items)

    found = compare.on_same_images(["run-1", "run-2"])

    assert found.n_items == 3


def test_runs_of_different_datasets_are_refused(valid_ids):
    builders.insert_dataset({"owl": ["a"]}, dataset_id="d-2", split_id="s-2")
    builders.insert_run("run-1")
    builders.insert_run("run-2", dataset_id="d-2", split_id="s-2")

    with pytest.raises(InputError, match="no images in common"):
        compare.on_same_images(["run-1", "run-2"])
