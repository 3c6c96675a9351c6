"""The runs page, rendered without a browser: what its table shows, and comparisons."""

import pytest

from pages.parts import score_words
from tests import builders
from tests.pages.test_training_pages import opened, sound

TICKED = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}


@pytest.fixture
def valid() -> list[int]:
    names = [f"{n}.jpg" for n in range(8)]
    return builders.insert_dataset({"cat": names, "dog": names})[3::4]


def test_the_metrics_of_most_runs_come_first_and_none_is_empty(valid):
    builders.insert_run("run-1", metrics={"error_rate": 0.5, "valid_loss": 0.9})
    builders.insert_run("run-2", metrics={"accuracy": 0.5, "valid_loss": 0.9, "train_loss": 1.0})
    builders.insert_run("run-3", metrics={"accuracy": 0.4, "valid_loss": 0.8, "f1_macro": 0.3})
    builders.insert_run("run-4", status="running")

    at = opened("runs")

    shown = list(at.dataframe[0].value.columns)
    assert sound(at)
    assert shown[:6] == ["run", "status", "valid_loss", "accuracy", "error_rate", "f1_macro"]
    assert shown[6] == "revision"


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("accuracy", "accuracy"),
        ("top_5_accuracy", "top-5 accuracy"),
        ("f2_samples", "F2, samples"),
        ("exact_match", "exact match"),
        ("cohen_kappa", "Cohen's κ"),
    ],
)
def test_a_metric_is_named_within_a_sentence(metric, said):
    assert score_words.in_a_sentence(metric) == said


def test_where_a_run_began_and_that_it_was_continued_is_shown(valid):
    builders.insert_run("run-1", name="First")
    builders.insert_run("run-2", name="More", begins_from="run-1", n_continued=1)
    at = opened("runs")
    rows = at.dataframe[0].value.set_index("run")

    at.session_state["runs-run-2-2"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()

    assert sound(at)
    assert rows.loc["More", ["begins from", "continued"]].tolist() == ["First", "once"]
    assert any("begins from First, continued once" in one.value for one in at.caption)


def test_runs_that_began_afresh_have_no_columns_for_it(valid):
    builders.insert_run("run-1")

    columns = opened("runs").dataframe[0].value.columns

    assert not {"begins from", "continued"} & set(columns)


def test_the_minutes_before_a_run_was_continued_count(valid):
    builders.insert_run(
        "run-1", started_at=1000.0, finished_at=1060.0, seconds_before=120.0, n_continued=1
    )

    rows = opened("runs").dataframe[0].value

    assert rows["minutes"].tolist() == [3.0]


def test_runs_of_several_labels_are_compared_on_the_same_images(valid):
    builders.let_have_several_labels()
    labels = dict(zip(valid, ["cat", "cat", "dog", "dog"], strict=True))
    for run_id, second in (("run-1", [0.1, 0.9]), ("run-2", [0.9, 0.1])):
        builders.insert_run(run_id, metrics={"f2_samples": 0.5})
        p = [[0.9, 0.1], second, [0.1, 0.9], [0.9, 0.9]]
        builders.save_label_predictions(run_id, ["cat", "dog"], labels, p)
    at = opened("runs")

    at.session_state["runs-run-2-2"] = TICKED
    at.run()

    scored = next(one.value for one in at.dataframe if "exact_match" in one.value)
    assert sound(at)
    assert scored["exact_match"].tolist() == [0.5, 0.75, 0.25]
    assert any("**1** images turned right, **0** turned wrong" in one.value for one in at.markdown)
    assert any("above the threshold of its recipe" in one.value for one in at.caption)


def test_what_a_run_has_not_is_left_empty(valid):
    builders.insert_run("run-1", status="queued")

    at = opened("runs")

    assert at.dataframe[0].proto.placeholder == ""
    assert at.dataframe[0].proto.HasField("placeholder")
