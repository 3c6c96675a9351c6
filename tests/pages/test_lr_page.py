"""What the page of the range test says about a curve whose recipe may have changed since."""

import pytest
import sqlalchemy as sa

from core.domain.recipes import FlatCos, Stage
from core.runs import plans, tasks
from core.store import database, schema
from tests import builders
from tests.pages.test_training_pages import opened, sound

VALLEY = {"name": "valley", "lr": 1e-3, "loss": 0.5, "about": "About.", "why_not": None}


@pytest.fixture(autouse=True)
def dataset() -> None:
    names = [f"{n}.jpg" for n in range(12)]
    builders.insert_dataset({"cat": names, "dog": names})


def leave_range_test(run_id: str | None = None) -> None:
    """Insert a range test of the plan as it is."""
    params = {"plan": plans.get("d-1").model_dump(mode="json")}
    task = tasks.start("lr_find", dataset_id="d-1", params=params, run_id=run_id, key="lr-1")
    found = {"points": [[1e-4, 1.0, 1.0]], "suggestions": [VALLEY], "created_at": 0.0}
    with database.writing() as connection:
        connection.execute(sa.update(schema.tasks).values(status="finished"))
        row = {"id": task.id, "dataset_id": "d-1", **found}
        connection.execute(sa.insert(schema.lr_finds).values(**row))


def change(**fields: object) -> None:
    recipe = plans.get("d-1").recipe
    plans.change("d-1", recipe=recipe.model_copy(update=fields))


def measured_for(at) -> str:
    (said,) = [one.value for one in at.caption if one.value.startswith("Measured for")]
    return said.replace("\\", "").replace("\N{WORD JOINER}", "")


def test_the_curve_says_what_it_was_measured_for_also_when_the_recipe_is_another():
    change(name="Mine", arch="resnet18")
    leave_range_test()
    change(name="Other", arch="squeezenet1_0", stages=(Stage(train="all", epochs=1, lr=1e-3),))

    at = opened("lr")

    assert sound(at)
    said = measured_for(at)
    assert said.startswith("Measured for Mine: resnet18 pretrained")
    assert said.endswith("from its start, training the head.")
    (warned,) = [one.value.replace("\\", "") for one in at.warning]
    assert "its network is squeezenet1_0, not resnet18" in warned
    assert "its first stage trains all layers, not the head" in warned


def test_another_rate_or_schedule_is_not_warned_of():
    leave_range_test()
    first, *others = plans.get("d-1").recipe.stages
    changed = first.model_copy(update={"lr": 0.3, "schedule": FlatCos(), "epochs": 9})
    change(stages=(changed, *others))

    at = opened("lr")

    assert sound(at)
    assert list(at.warning) == []


def test_rates_of_a_runs_weights_say_that_the_next_run_begins_afresh():
    recipe = plans.get("d-1").recipe.model_dump(mode="json")
    builders.insert_run("run-1", name="First", recipe=recipe, metrics={"accuracy": 0.5})
    leave_range_test("run-1")
    afresh = opened("lr")
    plans.change("d-1", begins_from="run-1")
    onward = opened("lr")

    told = afresh.button(key="use-valley").help

    assert measured_for(afresh).endswith("from the weights of First with all layers unfrozen.")
    assert told.endswith("The next run begins afresh unless you choose Train more of First.")
    assert "Train more" not in onward.button(key="use-valley").help


def test_a_test_begins_only_from_weights_of_the_recipes_network():
    recipe = plans.get("d-1").recipe
    for run_id, arch in (("run-1", recipe.arch), ("run-2", "resnet34")):
        trained = {**recipe.model_dump(mode="json"), "arch": arch}
        builders.insert_run(run_id, recipe=trained, metrics={"accuracy": 0.5})

    at = opened("lr")

    (begin,) = [one for one in at.selectbox if one.label == "Begin from"]
    offered = " ".join(begin.options)
    assert "run-1: its weights" in offered
    assert "run-2" not in offered
