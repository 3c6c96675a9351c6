"""The pages from batches to runs, rendered without a browser."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.datasets import edits
from core.domain.labellers import TableLabeller
from core.domain.plans import Subset
from core.domain.recipes import Auto
from core.runs import plans, runs, tasks
from core.store import database, files, frames, schema
from pages.parts import words
from tests import builders

APP = Path(__file__).resolve().parents[2] / "app.py"
CLASSES = ["cat", "dog"]


@pytest.fixture
def ids() -> list[int]:
    names = [f"{n}.jpg" for n in range(12)]
    return builders.insert_dataset({"cat": names, "dog": names})


def opened(page: str, **query: str) -> AppTest:
    """Render a page of the dataset `d-1` as a fresh session does."""
    at = AppTest.from_file(str(APP), default_timeout=30)
    for name, value in {"dataset": "d-1", **query}.items():
        at.query_params[name] = value
    at.run()
    return at.switch_page(f"pages/{page}_page.py").run()


def sound(at: AppTest) -> bool:
    """Say whether a page shows neither a traceback nor an error of its own."""
    assert [error.value for error in at.exception] == []
    assert [error.value for error in at.error] == []
    return True


def finished_run(ids: list[int], run_id: str = "run-1", **columns: object) -> str:
    """Insert a finished run with all that interpretation reads."""
    builders.insert_run(run_id, metrics={"accuracy": 0.5, "valid_loss": 0.9}, **columns)
    valid = ids[3::4]
    p = [[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [0.8, 0.2], [0.2, 0.8], [0.9, 0.1]]
    builders.save_predictions(run_id, CLASSES, valid, [0, 0, 0, 1, 1, 1], p)
    train = [item for item in ids if item not in valid]
    seen = pd.DataFrame({"epoch": 0, "item_id": train, "loss": 0.5, "pred": 0, "p_pred": 0.6})
    frames.save(files.run_train_losses(run_id), seen)
    labels = ["cat" if item in ids[:12] else "dog" for item in train]
    more = pd.DataFrame({"item_id": train, "label": labels, "part": "train"})
    items = pd.concat([frames.load(files.run_items(run_id)), more.assign(content_hash="same")])
    frames.save(files.run_items(run_id), items)
    return run_id


@pytest.mark.parametrize("page", ["batches", "lr", "train", "runs", "interpret"])
def test_a_page_without_a_dataset_says_what_to_do(page):
    at = AppTest.from_file(str(APP), default_timeout=30)
    at.run()
    at.switch_page(f"pages/{page}_page.py").run()

    assert sound(at)
    assert "No dataset is open" in [header.value for header in at.subheader]


@pytest.mark.parametrize("page", ["batches", "lr", "train", "runs", "interpret"])
def test_a_page_of_a_dataset_without_runs_is_sound(page, ids):
    assert sound(opened(page))


def test_the_slider_changes_the_plan_and_says_what_it_gives(ids):
    at = opened("batches")

    at.slider(key="subset-d-1-s-1").set_value(4).run()

    assert plans.get("d-1").subset.per_class == 4
    assert any("**8** of 18 train images" in caption.value for caption in at.caption)
    assert any("Valid stays whole: **6** images" in caption.value for caption in at.caption)


@pytest.fixture
def three_classes() -> list[int]:
    return builders.insert_dataset(
        {"cat": [f"{n}.jpg" for n in range(12)], "dog": list("abcd"), "owl": list("abcdefgh")}
    )


def test_classes_are_chosen_and_the_words_say_what_that_gives(three_classes):
    at = opened("batches")

    at.multiselect(key="classes-d-1-s-1").set_value(["owl", "cat"]).run()

    assert sound(at)
    assert plans.get("d-1").subset == Subset(classes=("cat", "owl"))
    said = [caption.value for caption in at.caption]
    assert any("**15** of 18 train images in 2 classes" in one for one in said)
    assert any("Valid has the **5** images of these classes" in one for one in said)


def test_one_class_alone_waits_for_another_and_the_plan_stays(three_classes):
    at = opened("batches")

    at.multiselect(key="classes-d-1-s-1").set_value(["owl"]).run()
    waiting = [caption.value for caption in at.caption if "as well" in caption.value]
    at.multiselect(key="classes-d-1-s-1").set_value(["owl", "dog"]).run()

    assert sound(at)
    assert len(waiting) == 1
    assert plans.get("d-1").subset.classes == ("dog", "owl")


def test_taking_all_classes_out_means_all_of_them_again(three_classes):
    plans.change_subset("d-1", classes=("cat", "owl"), per_class=3)
    at = opened("batches")

    at.multiselect(key="classes-d-1-s-1").set_value([]).run()

    assert plans.get("d-1").subset == Subset(per_class=3)


def test_the_largest_classes_are_one_click_and_so_are_all(three_classes):
    more = {name: [f"{name}{n}" for n in range(4 + 4 * (name < "d"))] for name in "abcdefg"}
    builders.insert_dataset(more, dataset_id="d-2", split_id="s-2")
    at = opened("batches", dataset="d-2")
    at.multiselect(key="classes-d-2-s-2").set_value(["g"]).run()  # half a choice gives way

    at.button(key="classes-d-2-s-2-5 largest").click().run()
    largest = plans.get("d-2").subset.classes
    at.button(key="classes-d-2-s-2-All").click().run()

    assert sound(at)
    assert largest == ("a", "b", "c", "d", "e")
    assert plans.get("d-2").subset.classes is None


def test_a_class_that_was_relabelled_away_is_told_and_can_be_taken_out(three_classes):
    plans.change_subset("d-1", classes=("cat", "dog", "owl"))
    dogs = three_classes[12:16]
    edits.apply("d-1", operation_id="1", kind="relabel", item_ids=dogs, label="wolf")

    at = opened("batches")
    train = opened("train")
    at.multiselect(key="classes-d-1-s-1").set_value(["cat", "owl"]).run()

    assert any("No images of dog are in use" in one.value for one in train.warning)
    assert next(one for one in train.button if one.label == "Start training").disabled
    assert sound(at)
    assert [one.value for one in at.warning] == []
    assert plans.get("d-1").subset.classes == ("cat", "owl")


def test_test_images_are_said_to_be_set_aside(three_classes):
    mine = sa.update(schema.assignments).where(schema.assignments.c.item_id.in_(three_classes[:3]))
    with database.writing() as connection:
        connection.execute(mine.values(part="test"))

    at = opened("batches")

    assert any("Set aside: **3 test images**" in caption.value for caption in at.caption)


def test_a_class_name_that_looks_like_markup_is_shown_as_it_is(ids):
    hostile = "![x](http://evil)"
    builders.insert_dataset(
        {hostile: list("abcd"), "b": list("abcd"), "c": list("abcd")},
        dataset_id="d-2",
        split_id="s-2",
    )
    plans.change_subset("d-2", classes=("b", hostile))

    at = opened("train", dataset="d-2")

    said = [caption.value for caption in at.caption if "all train images of" in caption.value]
    assert sound(at)
    assert len(said) == 1
    assert "\\!\\[x\\]\\(http" in said[0]


def finished_preview(what: str, result: dict[str, object]) -> None:
    """Let the preview that the open page asked for have ended with a result."""
    with database.writing() as connection:
        rows = connection.execute(sa.select(schema.tasks)).mappings().all()
        (row,) = (one for one in rows if one["params"].get("what") == what)
        mine = sa.update(schema.tasks).where(schema.tasks.c.id == row["id"])
        connection.execute(mine.values(status="finished"))
    files.preview_folder(row["key"]).mkdir(parents=True)
    files.write_json(files.preview_folder(row["key"]) / "result.json", result)


def asked_for() -> list[str]:
    """List what the previews that were asked for are of."""
    with database.reading() as connection:
        return [
            params["what"]
            for params in connection.execute(sa.select(schema.tasks.c.params)).scalars()
        ]


def failed_batch() -> None:
    """Let the preview of the batch have failed."""
    values = {"status": "failed", "error": "/p/cat/3.jpg is HTML.", "hint": "Exclude it."}
    with database.writing() as connection:
        connection.execute(sa.update(schema.tasks).values(**values))


def test_the_summary_is_asked_for_when_it_is_opened_also_where_the_batch_failed(ids):
    at = opened("batches")
    failed_batch()
    at.run()
    asked_closed = asked_for()

    at.session_state["summary"] = True
    at.run()
    finished_preview(
        "summary",
        {
            "text": "Building one sample\u202e\n  x",
            "error": "a_b is HTML.",
            "hint": "",
            "file": "a_b",
        },
    )
    at.run()

    assert asked_closed == ["batch"]
    assert [one.value for one in at.code] == ["Building one sample□\n  x"]
    assert "3\\.jpg is HTML" in at.error[0].value
    assert "a\\_b is HTML" in at.error[1].value
    assert "Its last step: *Building one sample□*" in at.error[1].value


def test_several_labels_an_image_can_be_trained(ids):
    labeller = TableLabeller(table="t.csv", file_column="f", label_column="l", separator=" ")
    plain = labeller.model_dump(mode="json")
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(labeller=plain))

    at, lr = opened("train"), opened("lr")

    assert sound(at)
    assert sound(lr)
    assert not next(one for one in at.button if one.label == "Start training").disabled
    assert any(one.label == "Find the learning rate" for one in lr.button)
    assert at.selectbox(key="loss-loss-d-1").value == "binary cross-entropy"


@pytest.mark.parametrize(
    ("subset", "said"),
    [
        (Subset(), "all train images of all classes"),
        (
            Subset(per_class=25, classes=("cat", "dog")),
            "25 train images a class of 2 classes (cat, dog)",
        ),
        (
            Subset(classes=tuple("abcdefg")),
            "all train images of 7 classes (a, b, c, d, e and 2 more)",
        ),
    ],
)
def test_a_subset_is_said_in_words(subset, said):
    assert words.subset(subset) == said


def test_runs_of_different_classes_are_told_apart_in_words(ids):
    subset = Subset(classes=("cat", "dog")).model_dump(mode="json")
    finished_run(ids, "run-1")
    finished_run(ids, "run-2", subset=subset)
    at = opened("runs")

    at.session_state["runs-run-2-2"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    at.run()

    rows = at.dataframe[1].value.set_index("field").loc["classes"].tolist()
    assert sound(at)
    assert sorted(rows) == ["all", "cat, dog"]
    assert any("trained on different classes" in one.value for one in at.caption)


def test_a_refused_size_is_told_and_changes_nothing(ids):
    at = opened("batches")
    before = plans.get("d-1").recipe

    at.number_input(key="size_px-d-1").set_value(1000).run()

    assert "above the presize" in at.error[0].value
    assert plans.get("d-1").recipe == before


def test_start_training_puts_the_plan_into_the_queue_and_shows_the_run(ids):
    plans.change_recipe("d-1", batch_size=4)
    at = opened("train")

    button = next(one for one in at.button if one.label == "Start training")
    button.click().run()

    (run,) = runs.list_runs("d-1")
    assert sound(at)
    assert run.status == "queued"
    assert at.query_params["run"] == run.id


def test_a_batch_larger_than_train_cannot_be_started_and_the_reason_is_shown(ids):
    plans.change_recipe("d-1", batch_size=64)

    at = opened("train")

    assert next(one for one in at.button if one.label == "Start training").disabled
    said = at.warning[-1].value.replace("\\", "")
    assert "batch size 64 is above the number of train images (18)" in said


def test_another_recipe_is_chosen_with_its_network(ids):
    at = opened("train")

    at.selectbox(key="train-name-d-1").set_value("From scratch").run()

    assert sound(at)
    assert plans.get("d-1").recipe.arch == "xresnet18"


def test_a_typed_rate_goes_into_every_stage_and_nonsense_is_told(ids):
    at = opened("train")

    at.text_input(key="train-rate-d-1").set_value("4e-3").run()
    rate = plans.get("d-1").recipe.stages[1].lr.high
    at.text_input(key="train-rate-d-1").set_value("fast").run()

    assert rate == pytest.approx(2e-3)
    assert "'fast' is not a number" in at.error[0].value.replace("\\", "")
    assert plans.get("d-1").recipe.stages[1].lr.high == rate


def finished_range_test() -> None:
    """Insert a range test with one suggestion that was found and one that was not."""
    params = {"plan": plans.get("d-1").model_dump(mode="json")}
    task = tasks.start("lr_find", dataset_id="d-1", params=params, key="lr-1")
    suggestions = [
        {"name": "valley", "lr": 1e-3, "loss": 0.5, "about": "About.", "why_not": None},
        {"name": "slide", "lr": None, "loss": None, "about": "About.", "why_not": "Too few."},
    ]
    with database.writing() as connection:
        connection.execute(sa.update(schema.tasks).values(status="finished"))
        connection.execute(
            sa.insert(schema.lr_finds).values(
                id=task.id,
                dataset_id="d-1",
                points=[[1e-4, 1.0, 1.0]],
                suggestions=suggestions,
                created_at=0.0,
            )
        )


def test_a_suggested_rate_goes_into_the_recipe_by_a_click(ids):
    finished_range_test()
    at = opened("lr")

    at.button(key="use-valley").click().run()

    assert sound(at)
    assert plans.get("d-1").recipe.stages[0].lr.high == pytest.approx(1e-3)
    assert "Too few." in [caption.value.replace("\\", "") for caption in at.caption]


def test_a_suggested_rate_takes_the_place_of_one_that_a_stage_would_find(ids):
    finished_range_test()
    plans.begin_from("d-1", "Lesson 2")
    at = opened("lr")

    at.button(key="use-valley").click().run()

    first, second, _ = plans.get("d-1").recipe.stages
    assert sound(at)
    assert (first.lr, second.lr) == (1e-3, Auto())
    assert any("the head on cached features at 1e-3" in one.value for one in at.caption)


def test_interpretation_shows_scores_of_the_runs_revision(ids):
    finished_run(ids)

    at = opened("interpret", run="run-1")

    assert sound(at)
    assert {metric.label: metric.value for metric in at.metric}["Accuracy"] == "33.3%"
    assert any("labels of revision 1" in caption.value for caption in at.caption)


def test_retrain_starts_the_same_description_again(ids):
    finished_run(ids, seed=7)
    at = opened("interpret", run="run-1")

    next(one for one in at.button if one.label.startswith("Retrain")).click().run()

    new = next(run for run in runs.list_runs("d-1") if run.id != "run-1")
    assert (new.retrain_of, new.seed, new.recipe) == ("run-1", 7, builders.RECIPE)


def test_two_chosen_runs_are_compared_on_the_same_images(ids):
    finished_run(ids, "run-1", seed=1)
    finished_run(ids, "run-2", seed=2)
    at = opened("runs")

    at.session_state["runs-run-2-2"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    at.run()

    assert sound(at)
    assert any("6 validation images that all of them have" in one.value for one in at.caption)
