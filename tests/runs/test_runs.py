import pytest
import sqlalchemy as sa

from core.datasets import catalog, subsets
from core.domain.errors import ConflictError, NotFoundError, RecipeError
from core.runs import lr_finds, plans, runs
from core.store import database, files, schema
from tests import builders


@pytest.fixture
def dataset() -> str:
    cats = [f"{number}.jpg" for number in range(8)]
    builders.insert_dataset({"cat": cats, "dog": ["3.jpg", "4.jpg"]})
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


def test_a_wish_can_be_taken_back_and_concerns_only_what_works(dataset):
    builders.insert_run("run-1", status="running")
    builders.insert_run("run-2", status="queued")

    runs.pause("run-1")
    runs.pause("run-2")
    wished = [runs.get(run_id).wish for run_id in ("run-1", "run-2")]
    runs.take_wish_back("run-1")

    assert wished == ["pause", None]
    assert runs.get("run-1").wish is None


@pytest.mark.parametrize("status", ["stopped", "lost", "failed"])
def test_a_run_that_ended_early_is_continued_as_the_same_run(dataset, status):
    builders.insert_run(
        "run-1", status=status, started_at=10.0, finished_at=25.0, pid=1, error="It ended."
    )

    run = runs.resume("run-1")

    assert (run.status, run.n_continued, run.seconds_before) == ("queued", 1, 15.0)
    assert (run.error, run.stop_requested) == (None, False)


@pytest.mark.parametrize("status", ["lost", "failed"])
def test_a_run_that_died_with_a_wish_is_continued_without_it(dataset, status):
    builders.insert_run("run-1", status=status, started_at=1.0, finished_at=2.0, wish="pause")

    run = runs.resume("run-1")

    assert (run.status, run.wish) == ("queued", None)


def test_a_break_is_no_time_worked(dataset):
    builders.insert_run("run-1", status="stopped", started_at=10.0, finished_at=110.0)

    runs.resume("run-1")
    runs.stop("run-1")  # out of the queue again, hours later
    again = runs.resume("run-1")

    assert again.seconds_before == 100.0
    assert again.n_continued == 2


def test_a_second_click_on_continue_changes_nothing(dataset):
    builders.insert_run("run-1", status="stopped", started_at=10.0, finished_at=110.0)

    first, second = runs.resume("run-1"), runs.resume("run-1")

    assert first == second


@pytest.mark.parametrize("root", ["/nowhere/d-1", "/nowhere", "/nowhere/d-1/cat"])
def test_no_run_is_queued_while_its_files_are_moved_by_any_dataset(dataset, root):
    builders.insert_run("run-1", status="stopped", started_at=10.0, finished_at=110.0)
    builders.insert_dataset({"cat": ["1.jpg"]}, dataset_id="d-2", split_id="s-2")
    with database.writing() as connection:
        other = sa.update(schema.datasets).where(schema.datasets.c.id == "d-2")
        connection.execute(other.values(root=root, name="Other"))
        moving = {"id": "t", "kind": "apply", "dataset_id": "d-2", "params": {}}
        connection.execute(
            sa.insert(schema.tasks).values(**moving, status="running", created_at=1.0)
        )

    with pytest.raises(ConflictError, match="are being moved: edits of Other"):
        runs.start(dataset, plans.get(dataset))
    with pytest.raises(ConflictError, match="are being moved: edits of Other"):
        runs.resume("run-1")

    assert [run.status for run in runs.list_runs(dataset)] == ["stopped"]


def test_a_finished_run_is_not_continued(dataset):
    builders.insert_run("run-1", status="finished", started_at=10.0, finished_at=25.0)

    with pytest.raises(ConflictError, match="is finished, so there is nothing to continue"):
        runs.resume("run-1")


def trained_run(classes: tuple[str, ...] = ("cat", "dog"), **columns: object) -> None:
    """Insert a run that left weights which know these classes."""
    builders.insert_run("run-1", metrics={"accuracy": 0.5}, **columns)
    files.write_json(files.run_model("run-1"), {"classes": list(classes)})


def test_training_more_plans_a_new_run_that_begins_from_the_weights(dataset):
    trained_run(seed=7)

    plan = runs.plan_more("run-1")
    run = runs.start("d-1", plan)

    assert (run.begins_from, run.seed) == ("run-1", 7)
    assert run.recipe.stages == builders.RECIPE.stages[-1:]
    assert runs.get("run-1").status == "finished"


def test_weights_of_another_network_are_refused_before_the_queue(dataset):
    trained_run()
    plan = runs.plan_more("run-1")
    other = plan.recipe.model_copy(update={"arch": "resnet18"})

    with pytest.raises(RecipeError, match="weights of squeezenet1_0, and the recipe's network"):
        runs.start("d-1", plan.model_copy(update={"recipe": other}))


@pytest.mark.parametrize("classes", [("cat", "owl"), ("cat", "dog", "owl")])
def test_weights_that_know_other_classes_are_refused_before_the_queue(dataset, classes):
    trained_run(classes)
    plan = runs.plan_more("run-1")
    taken = subsets.take("d-1", plan.split_id, plan.subset)

    with pytest.raises(RecipeError, match=f"on {len(classes)} classes that are not the 2 of"):
        runs.start("d-1", plan)
    with pytest.raises(RecipeError, match="only one of them has"):
        lr_finds.start("d-1", plan.model_copy(update={"begins_from": None}), run_id="run-1")

    first, *_ = plans.advise(catalog.get("d-1"), plan, taken)
    assert (first.level, first.field) == ("refused", "begins_from")
    assert runs.list_runs("d-1")[0].id == "run-1"


def test_a_run_whose_weights_were_deleted_is_nothing_to_begin_from(dataset):
    trained_run()
    plan = runs.plan_more("run-1")
    files.run_model("run-1").unlink()

    with pytest.raises(RecipeError, match="run-1 has no weights to begin from"):
        runs.start("d-1", plan)


def test_a_run_without_weights_is_nothing_to_begin_from(dataset):
    builders.insert_run("run-1", status="lost")

    with pytest.raises(RecipeError, match="has no weights to begin from"):
        runs.plan_more("run-1")
