"""The interpret page of all kinds of runs, rendered without a browser."""

import dataclasses

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.review import top_losses
from core.store import files, frames
from pages.parts.interpret import thresholds, tiles
from tests import builders
from tests.pages.test_training_pages import finished_run, opened, sound

CLASSES = ["cat", "dog", "owl"]
P = [[0.9, 0.2, 0.7], [0.8, 0.6, 0.1], [0.2, 0.45, 0.3], [0.1, 0.3, 0.8]]
VIEWS = [[0.9, 0.9, 0.1], [0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9]]


@pytest.fixture
def ids() -> list[int]:
    names = [f"{n}.jpg" for n in range(8)]
    return builders.insert_dataset({"cat": names, "dog": names})


@pytest.fixture
def several(ids: list[int]) -> list[int]:
    """Leave a finished run of several labels an image; give the ids of its valid images."""
    builders.let_have_several_labels()
    builders.insert_run("run-1", metrics={"f2_samples": 0.5, "valid_loss": 0.4})
    valid = ids[3::4]
    labels = dict(zip(valid, ["cat|dog", "cat", "dog", "owl"], strict=True))
    builders.save_label_predictions("run-1", CLASSES, labels, P, tta=VIEWS)
    seen = {"epoch": 0, "item_id": [ids[0]], "loss": [0.9], "pred": [1], "p_pred": [0.8]}
    frames.save(files.run_train_losses("run-1"), pd.DataFrame(seen))
    items = pd.DataFrame({"item_id": [ids[0]], "label": "cat", "part": "train"})
    whole = [frames.load(files.run_items("run-1")), items.assign(content_hash="same")]
    frames.save(files.run_items("run-1"), pd.concat(whole))
    return valid


def cards(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def beside(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.delta for metric in at.metric}


def test_several_labels_have_scores_of_their_own_at_the_recipes_threshold(several):
    at = opened("interpret", run="run-1")

    assert sound(at)
    assert at.slider(key="interpret-threshold-run-1").value == 0.5
    assert cards(at)["Exact match"] == "25.0%"
    assert cards(at)["Accuracy of labels"] == "66.7%"
    assert "Accuracy" not in cards(at)


def test_another_threshold_changes_the_scores_and_the_table_of_labels_at_once(several):
    at = opened("interpret", run="run-1")

    at.slider(key="interpret-threshold-run-1").set_value(0.65).run()

    labels = next(one.value for one in at.dataframe if "n_predicted" in one.value)
    predicted = dict(zip(labels["label"], labels["n_predicted"], strict=True))
    assert sound(at)
    assert cards(at)["Exact match"] == "50.0%"
    assert predicted == {"cat": 2, "dog": 0, "owl": 2}


def test_the_threshold_is_kept_while_another_page_is_looked_at(several):
    at = opened("interpret", run="run-1")
    at.slider(key="interpret-threshold-run-1").set_value(0.65).run()

    at.switch_page("pages/runs_page.py").run()
    at.switch_page("pages/interpret_page.py").run()

    assert at.slider(key="interpret-threshold-run-1").value == 0.65


def test_predictions_with_augmentation_are_a_switch_away_and_their_score_stands_beside(several):
    at = opened("interpret", run="run-1")
    plain = beside(at)["Exact match"]

    at.toggle(key="interpret-tta-run-1").set_value(True).run()

    assert sound(at)
    assert plain == "with TTA 100.0%"
    assert cards(at)["Exact match"] == "100.0%"
    assert beside(at)["Exact match"] == "without TTA 25.0%"


def test_a_pair_of_a_missed_and_a_wrongly_given_label_shows_its_images(several):
    at = opened("interpret", run="run-1")
    at.number_input(key="min-count").set_value(1).run()
    pairs = next(one for one in at.dataframe if "missed" in one.value)

    at.session_state[pairs.key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()

    assert sound(at)
    assert pairs.value.to_dict("list") == {
        "missed": ["dog"],
        "wrongly given": ["owl"],
        "images": [1],
    }
    assert "dog missed, owl given: 1 image" in [one.value for one in at.subheader]


def test_a_chosen_label_shows_the_images_that_miss_it_or_were_wrongly_given_it(several):
    at = opened("interpret", run="run-1")
    labels = next(one for one in at.dataframe if "n_predicted" in one.value)
    row = labels.value["label"].tolist().index("dog")

    at.session_state[labels.key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    at.run()
    missed = [one.value for one in at.caption if one.value == "2 images"]
    at.segmented_control(key="labels-which").set_value("wrongly given").run()

    assert sound(at)
    assert len(missed) == 1
    assert any(one.value == "1 image" for one in at.caption)


def test_the_train_images_of_several_labels_are_ranked_too(several):
    at = opened("interpret", run="run-1")

    at.segmented_control(key="top-losses-part").set_value("train").run()

    assert sound(at)
    assert at.toggle(key="only-wrong-train").label.startswith("Only those whose most probable")
    assert [one.value for one in at.success] == []


def test_the_hardest_for_the_model_come_with_a_warning(several):
    at = opened("interpret", run="run-1")

    at.segmented_control(key="top-losses-part").set_value("hardest").run()

    assert sound(at)
    assert any("mistakes that it has memorised hide" in one.value for one in at.caption)
    assert at.toggle(key="only-wrong-hardest").value is False


def test_the_chart_marks_the_chosen_threshold():
    table = pd.DataFrame(
        {"threshold": [0.1, 0.9], "f1_samples": 0.5, "f2_samples": 0.6, "accuracy_multi": 0.7}
    )

    drawn = thresholds.figure(table, chosen=0.35)

    assert [trace.name for trace in drawn.data] == [
        "F2, samples",
        "F1, samples",
        "Accuracy of labels",
    ]
    assert [shape.x0 for shape in drawn.layout.shapes] == [0.35]


def test_a_run_of_one_label_has_neither_a_threshold_nor_a_switch(ids):
    names = [f"{n}.jpg" for n in range(12)]
    more = builders.insert_dataset({"cat": names, "dog": names}, dataset_id="d-2", split_id="s-2")
    finished_run(more, dataset_id="d-2", split_id="s-2")

    at = opened("interpret", run="run-1", dataset="d-2")

    assert sound(at)
    assert [one.key for one in at.slider] == ["tta-beta-run-1"]  # in the popover that offers it
    assert not any("augmentation" in one.label for one in at.toggle)
    assert [one.label for one in at.tabs] == ["Top losses", "Confusion", "Classes"]


def test_images_that_are_none_of_these_are_counted_and_shown(ids):
    valid = ids[3::4]
    builders.insert_run("run-1")
    p = [[0.9, 0.1], [0.6, 0.3], [0.2, 0.4], [0.7, 0.3]]
    builders.save_predictions("run-1", ["cat", "dog"], valid, [0, 0, 1, 1], p)
    builders.write_sigmoid_model("run-1", ["cat", "dog"])
    at = opened("interpret", run="run-1")
    first = cards(at)

    at.slider(key="interpret-threshold-run-1").set_value(0.65).run()

    assert sound(at)
    assert (first["Answered"], first["Accuracy of the answered"]) == ("75.0%", "66.7%")
    assert (cards(at)["Answered"], cards(at)["Accuracy of the answered"]) == ("50.0%", "50.0%")
    assert at.tabs[-1].label == "None of these"
    assert any("2 validation images of 4 with no class above 0.65" in c.value for c in at.caption)


def test_a_caption_says_what_was_missed_and_wrongly_given():
    assert tiles.caption(_worst(label="cat", pred="dog"), multi=True) == (
        "cat · loss 0.50\nmissed cat 10%; wrongly dog 90%, owl 80% and 2 more"
    )


def _worst(*, label: str, pred: str):
    given = (("dog", 0.9), ("owl", 0.8), ("emu", 0.7), ("ant", 0.6))
    return top_losses.TopLoss(
        item_id=1,
        label=label,
        pred=pred,
        loss=0.5,
        is_right=False,
        probability=None,
        label_probability=None,
        missed=(("cat", 0.1),),
        wrongly_given=given,
    )


def test_long_names_leave_room_for_the_loss_and_what_it_was_taken_for():
    one = dataclasses.replace(
        _worst(label="A very long name of a class", pred="Another_that_goes_on_and_on"),
        probability=0.9,
        label_probability=0.1,
    )

    first, second = tiles.caption(one, multi=False).split("\n")

    assert first == "A very lo…lass → Another_t…d_on"
    assert second == "loss 0.50 · 90% Anothe…_on, 10% own"
