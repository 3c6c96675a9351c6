import pytest

from core.datasets import catalog
from core.domain.errors import NotFoundError
from core.runs import plans, runs
from tests import builders


@pytest.fixture
def dataset() -> str:
    builders.insert_dataset({"cat": ["1.jpg", "2.jpg"], "dog": ["3.jpg", "4.jpg"]})
    return "d-1"


def test_a_double_click_queues_one_run(dataset):
    plan = plans.get(dataset)

    first, second = runs.start(dataset, plan), runs.start(dataset, plan)
    other = runs.start(dataset, plan.model_copy(update={"seed": 7}))

    assert first.id == second.id
    assert other.id != first.id


def test_a_run_takes_the_dataset_as_it_is_at_its_start(dataset):
    run = runs.start(dataset, plans.get(dataset))

    assert (run.revision, run.status, run.seed) == (1, "queued", 42)
    assert run.code_version


def test_retrain_repeats_the_description_and_says_of_which_run(dataset):
    builders.insert_run("run-1", seed=7)

    again = runs.retrain("run-1")

    assert (again.retrain_of, again.seed, again.recipe) == ("run-1", 7, builders.RECIPE)


def test_the_queue_counts_what_comes_before(dataset):
    builders.insert_run("run-1", status="running", created_at=1.0)
    builders.insert_run("run-2", status="queued", created_at=2.0)
    builders.insert_run("run-3", status="queued", created_at=3.0)

    assert runs.queue_position(runs.get("run-3")) == 2


def test_an_unknown_run_is_told_in_a_sentence():
    with pytest.raises(NotFoundError, match="run-none"):
        runs.get("run-none")


def test_runs_of_a_removed_dataset_are_listed_only_with_it(dataset):
    builders.insert_run("run-1")

    catalog.remove("d-1")

    assert runs.list_runs() == []
    assert [run.id for run in runs.list_runs("d-1")] == ["run-1"]
