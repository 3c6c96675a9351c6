"""The tab that says what cleaning was worth, rendered without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from core.datasets import edits
from core.domain.plans import Plan
from core.runs import experiments, plans, runs, weights
from core.runs.experiments import Experiment
from tests import builders
from tests.pages.test_training_pages import opened, sound
from tests.runs.test_experiments import end

PLAN = Plan(split_id="s-1", recipe=builders.RECIPE, seed=42)
CAT, DOG = [0.9, 0.1], [0.2, 0.8]


@pytest.fixture
def ids() -> list[int]:
    names = [f"{n:02d}.jpg" for n in range(16)]
    return builders.insert_dataset({"cat": names, "dog": names})


def shown() -> AppTest:
    return opened("audit", **{"audit-tab": "Did it help?"})


def clean(ids: list[int]) -> None:
    edits.apply("d-1", operation_id="o1", kind="exclude", item_ids=[ids[0], ids[1], ids[3]])


def compared(ids: list[int], *, n_left: int = 0) -> Experiment:
    """Begin a comparison and end all runs but the last: all right after, half of them before."""
    clean(ids)
    experiment = experiments.before_after("d-1", PLAN, n_seeds=2)
    valid = ids[3::4]
    for member in experiment.members[: len(experiment.members) - n_left]:
        n = 8 if member.arm == "after" else 4
        p = [CAT if (at < 4) == (at < n) else DOG for at in range(8)]
        labels = [0, 0, 0, 0, 1, 1, 1, 1]
        builders.save_predictions(member.run_id, ["cat", "dog"], valid, labels, p)
        end(member.run_id, metrics={"accuracy": n / 8})
    return experiment


def said(at: AppTest) -> str:
    every = (at.markdown, at.caption, at.info, at.success, at.warning)
    joined = "\n".join(one.value for some in every for one in some)
    return joined.replace("\\", "").replace("\N{WORD JOINER}", "")


def test_without_edits_the_tab_says_what_comes_first(ids):
    at = shown()

    assert sound(at)
    assert "No image of this dataset was excluded or relabelled" in said(at)
    assert not any(button.label == "Retrain before and after" for button in at.button)


def test_the_form_says_what_changed_and_what_it_will_cost(ids):
    clean(ids)
    recipe = PLAN.recipe.model_dump(mode="json")
    builders.insert_run("run-1", recipe=recipe, started_at=1.0, finished_at=61.0, revision=2)

    at = shown()

    assert sound(at)
    assert "Between the revisions 1 and 2: **2 train images** less, **0** with" in said(at)
    assert "1 validation image changed, too" in said(at)
    assert "15 trainings. About 15 min 00 s" in said(at)


def test_a_quick_recipe_is_offered_where_its_weights_are_and_few_seeds_are_warned_of(
    ids, tmp_path, monkeypatch
):
    clean(ids)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    without = shown()
    folder = weights.folder()
    folder.mkdir(parents=True)
    (folder / "squeezenet1_0-b66bff10.pth").write_bytes(b"x")
    plans.change_recipe("d-1", arch="squeezenet1_0")

    at = shown()
    chosen = next(one for one in at.selectbox if one.label == "Train as")
    chosen.select("quick")
    next(one for one in at.number_input if one.label == "Seeds").set_value(2)
    at.run()
    told = said(at)
    next(one for one in at.button if one.label == "Retrain before and after").click()
    at.run()

    assert sound(without)
    assert sound(at)
    assert "few seeds give very wide intervals" in told
    assert not any("A quick one" in one for box in without.selectbox for one in box.options)
    (experiment,) = experiments.list_experiments("d-1")
    assert experiments.about(experiment).plan.recipe.name == "Features only"
    assert len(experiment.members) == 6


def test_one_click_queues_all_runs_and_shows_how_far_they_are(ids):
    clean(ids)
    at = shown()
    at.number_input(key="helped-d-1-seeds").set_value(2).run()

    at.button(key="helped-d-1-start").click().run()

    (experiment,) = experiments.list_experiments("d-1")
    assert sound(at)
    assert len(experiments.list_runs(experiment)) == 6
    assert at.selectbox(key="helped-d-1").value == experiment.id
    assert [run.arm for run in runs.list_runs("d-1")].count("random") == 2


def test_what_has_finished_is_compared_while_the_rest_trains_and_can_be_stopped(ids):
    experiment = compared(ids, n_left=1)

    at = shown()
    at.button(key=f"stop-{experiment.id}").click().run()

    assert sound(at)
    assert "Cleaning helped: accuracy" in said(at)
    assert "1 of 6 runs failed or were stopped" in said(at)
    assert any(button.label == "Train what is missing" for button in at.button)


def test_the_result_has_a_verdict_a_table_and_the_images_that_turned(ids):
    experiment = compared(ids)

    at = shown()

    table = next(one.value for one in at.dataframe if "other seeds" in one.value)
    accuracy = table.set_index("metric").loc["accuracy"]
    assert sound(at)
    assert "Cleaning helped: accuracy +57.1 points" in said(at)
    assert (accuracy["before"], accuracy["after"]) == ("42.9%", "100.0%")
    assert accuracy["other seeds"] == "+57.1 to +57.1"
    assert accuracy["less at random"] == "0.0 (0.0 to 0.0)"
    assert "7 validation images that all runs have, with the labels of revision 2" in said(at)
    assert "Excluded or relabelled since revision 1: 1 validation image" in said(at)
    assert {one.label for one in at.expander} >= {
        "Turned right in at least half of the seeds (4)",
        "Validation images that were edited (1)",
        "The runs (6)",
    }
    assert experiment.name == "Revision 1 → 2, Fine-tune squeezenet1_0"


def test_a_run_that_failed_is_left_out_and_trained_again(ids):
    experiment = compared(ids)
    end(experiment.members[0].run_id, "failed")

    at = shown()
    at.button(key=f"missing-{experiment.id}").click().run()

    (again,) = experiments.list_experiments("d-1")
    assert sound(at)
    assert "One seed says little: accuracy +57.1 points on 7 images" in said(at)
    assert again.members[0].run_id != experiment.members[0].run_id


def test_another_comparison_can_be_begun(ids):
    compared(ids)
    at = shown()

    at.selectbox(key="helped-d-1").set_value("new").run()

    assert sound(at)
    assert any(button.label == "Retrain before and after" for button in at.button)


def test_where_all_has_been_trained_before_nothing_is_trained(ids):
    compared(ids)
    at = shown()
    at.selectbox(key="helped-d-1").set_value("new").run()

    at.number_input(key="helped-d-1-seeds").set_value(2).run()

    assert "All 6 runs finished before: nothing needs to be trained." in said(at)


def test_two_runs_side_by_side_say_how_far_chance_among_images_reaches(ids):
    experiment = compared(ids)
    newest = runs.list_runs("d-1")
    rows = [at for at, run in enumerate(newest) if run.id in _pair(experiment)]
    at = opened("runs")

    at.session_state[f"runs-{newest[0].id}-6"] = {
        "selection": {"rows": rows, "columns": [], "cells": []}
    }
    at.run()

    assert sound(at)
    assert "the difference in accuracy would lie between +14.3 and +100.0 points" in said(at)


def _pair(experiment: Experiment) -> list[str]:
    return [one.run_id for one in experiment.members if one.seed == 42 and one.arm != "random"]
