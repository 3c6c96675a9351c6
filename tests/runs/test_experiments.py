"""Runs made to be compared: which are trained, which are taken as they are, and how they end."""

import pytest
import sqlalchemy as sa

from core.datasets import catalog, edits
from core.domain.errors import InputError, NotFoundError, RecipeError
from core.domain.plans import Plan, RandomRemoval, Subset
from core.domain.recipes import Recipe
from core.runs import experiments, runs
from core.runs.experiments import Experiment
from core.store import database, schema, version
from tests import builders

PLAN = Plan(split_id="s-1", recipe=builders.RECIPE, seed=42)
NAMES = [f"{n}.jpg" for n in range(12)]


@pytest.fixture
def ids() -> list[int]:
    return builders.insert_dataset({"cat": NAMES, "dog": NAMES})


def exclude(ids: list[int]) -> None:
    edits.apply("d-1", operation_id=f"exclude-{ids}", kind="exclude", item_ids=ids)


def end(run_id: str, status: str = "finished", **columns: object) -> None:
    """End a run as a worker does, without training it."""
    mine = sa.update(schema.runs).where(schema.runs.c.id == run_id)
    with database.writing() as connection:
        connection.execute(mine.values(status=status, **columns))


def described(experiment: Experiment) -> list[tuple[str, int, int]]:
    return [(m.arm, m.seed, run.revision) for m, run in experiments.list_runs(experiment)]


def test_each_seed_trains_before_after_and_with_as_many_removed_at_random(ids):
    edits.apply("d-1", operation_id="keep", kind="keep", item_ids=ids[:1])
    exclude(ids[:2])
    edits.apply("d-1", operation_id="r", kind="relabel", item_ids=[ids[4]], label="dog")

    experiment = experiments.before_after("d-1", PLAN, n_seeds=2)

    found = {(one.arm, one.seed): run for one, run in experiments.list_runs(experiment)}
    assert described(experiment) == [
        ("before", 42, 2),
        ("after", 42, 4),
        ("random", 42, 2),
        ("before", 43, 2),
        ("after", 43, 4),
        ("random", 43, 2),
    ]
    assert found["random", 43].subset == Subset(without=RandomRemoval(n=3, seed=43))
    assert all(run.experiment_id == experiment.id for run in found.values())
    assert [found[arm, 42].arm for arm in ("before", "after")] == ["before", "after"]


def test_an_edit_that_was_taken_back_is_not_what_it_begins_before(ids):
    exclude(ids[:1])
    edits.undo("d-1", operation_id="undo")
    exclude(ids[4:5])

    assert experiments.first_before("d-1") == 3


def test_what_differs_is_told_a_part_at_a_time(ids):
    exclude([ids[0], ids[3]])
    edits.apply("d-1", operation_id="r", kind="relabel", item_ids=[ids[7]], label="dog")

    found = experiments.between("d-1", split_id="s-1", before=1, after=3)

    assert (found.train.edited, found.valid.removed, found.valid.relabelled) == (
        (ids[0],),
        (ids[3],),
        (ids[7],),
    )


def test_without_an_edit_there_is_nothing_to_compare(ids):
    edits.apply("d-1", operation_id="keep", kind="keep", item_ids=ids[:1])

    with pytest.raises(InputError, match=r"No image of this dataset was excluded or relabelled"):
        experiments.before_after("d-1", PLAN)


def test_edits_of_valid_alone_would_be_the_same_training_twice(ids):
    exclude([ids[3]])

    with pytest.raises(InputError, match=r"No train image differs .* Only 1 validation image"):
        experiments.before_after("d-1", PLAN)

    assert runs.list_runs("d-1") == []


@pytest.mark.parametrize("n_seeds", [1, 21])
def test_a_number_of_seeds_that_says_nothing_or_takes_for_ever_is_refused(ids, n_seeds):
    exclude(ids[:1])

    with pytest.raises(InputError, match=f"2 to 20 seeds, and {n_seeds} were chosen"):
        experiments.propose("d-1", PLAN, n_seeds=n_seeds)


def test_what_one_arm_cannot_train_starts_none(ids):
    exclude(ids[:1])
    large = PLAN.recipe.model_copy(update={"batch_size": 18})
    plan = PLAN.model_copy(update={"recipe": large})

    with pytest.raises(RecipeError, match=r"batch size 18 is above the number of train .*\(17\)"):
        experiments.before_after("d-1", plan)

    assert runs.list_runs("d-1") == []
    assert experiments.list_experiments("d-1") == []


def finished(run_id: str, recipe: Recipe = PLAN.recipe, **columns: object) -> None:
    values = {"code_version": version.code_version(), "started_at": 100.0, "finished_at": 130.0}
    builders.insert_run(run_id, recipe=recipe.model_dump(mode="json"), **{**values, **columns})


def test_a_finished_run_of_the_same_description_is_not_trained_again(ids):
    finished("run-1")
    exclude(ids[:1])

    proposal = experiments.propose("d-1", PLAN, n_seeds=2, with_random=False)
    experiment = experiments.before_after("d-1", PLAN, n_seeds=2, with_random=False)

    assert (proposal.n_ready, proposal.seconds) == (1, 90.0)
    assert experiment.members[0].run_id == "run-1"
    assert runs.get("run-1").experiment_id is None
    assert len(runs.list_runs("d-1")) == 4


def test_images_that_are_the_same_at_another_revision_make_the_same_description(ids):
    exclude(ids[:1])
    frame = catalog.items_at("d-1", revision=2, split_id="s-1")
    finished("run-1", revision=2, fingerprint=catalog.fingerprint(frame))
    edits.undo("d-1", operation_id="undo")
    edits.redo("d-1", operation_id="redo")

    experiment = experiments.before_after("d-1", PLAN, n_seeds=2, with_random=False)

    assert next(one.run_id for one in experiment.members if one.arm == "after") == "run-1"


@pytest.mark.parametrize("columns", [{"code_version": "older"}, {"seed": 1}, {"revision": 2}])
def test_a_run_that_differs_in_anything_is_no_substitute(ids, columns):
    exclude(ids[:1])
    finished("run-1", **{"fingerprint": "other", **columns})
    exclude(ids[1:2])

    experiment = experiments.before_after("d-1", PLAN, n_seeds=2, with_random=False)

    assert "run-1" not in [one.run_id for one in experiment.members]


def test_a_second_click_joins_the_experiment_that_is_under_way(ids):
    exclude(ids[:1])

    first = experiments.before_after("d-1", PLAN, n_seeds=2)
    end(first.members[0].run_id, "running")
    second = experiments.before_after("d-1", PLAN, n_seeds=2)

    assert first == second
    assert len(runs.list_runs("d-1")) == 6


def test_the_progress_counts_what_ended_and_estimates_the_rest(ids):
    exclude(ids[:1])
    experiment = experiments.before_after("d-1", PLAN, n_seeds=2, with_random=False)
    first, second, third, _ = (one.run_id for one in experiment.members)
    end(first, started_at=10.0, finished_at=50.0)
    end(second, "failed")
    end(third, "running", remaining_seconds=12.0)

    progress = experiments.progress(experiment)

    assert (progress.n_total, progress.n_finished, progress.n_failed) == (4, 1, 1)
    assert progress.remaining_seconds == 52.0
    assert not progress.is_over


def test_nobody_knows_how_long_it_takes_before_the_first_has_ended(ids):
    exclude(ids[:1])

    experiment = experiments.before_after("d-1", PLAN, n_seeds=2)

    assert experiments.progress(experiment).remaining_seconds is None


def test_to_stop_ends_its_own_runs_and_those_alone(ids):
    exclude(ids[:1])
    experiment = experiments.before_after("d-1", PLAN, n_seeds=2)
    end(experiment.members[0].run_id)
    end(experiment.members[1].run_id, "running")
    other = runs.start("d-1", PLAN.model_copy(update={"seed": 7}))

    experiments.stop(experiment.id)

    found = [run.status for _, run in experiments.list_runs(experiment)]
    assert found == ["finished", "stopping", "stopped", "stopped", "stopped", "stopped"]
    assert runs.get(other.id).status == "queued"


def test_what_was_stopped_can_be_trained_later_at_the_same_revisions(ids):
    exclude(ids[:1])
    experiment = experiments.before_after("d-1", PLAN, n_seeds=2, with_random=False)
    end(experiment.members[0].run_id)
    experiments.stop(experiment.id)
    exclude(ids[1:2])

    again = experiments.go_on(experiment.id)

    assert again.id == experiment.id
    assert [run.status for _, run in experiments.list_runs(again)] == ["finished", *["queued"] * 3]
    assert described(again) == described(experiment)


def test_an_experiment_that_there_is_not_is_named(ids):
    with pytest.raises(NotFoundError, match=r"no experiment 'experiment-x'"):
        experiments.get("experiment-x")


def test_a_run_of_an_older_revision_is_checked_with_the_images_of_then(ids):
    exclude([one for one in ids if one not in ids[:3]])

    with pytest.raises(RecipeError):
        runs.start("d-1", PLAN)
    run = runs.start("d-1", PLAN, revision=1)

    assert (run.revision, run.status) == (1, "queued")
    with pytest.raises(NotFoundError, match=r"no revision 9"):
        runs.start("d-1", PLAN, revision=9)


def rescan(item_id: int, revision: int, **values: object) -> None:
    """Have a later scan find a file gone or changed, as it logs it."""
    items = schema.items
    with database.writing() as connection:
        row = connection.execute(sa.select(items).where(items.c.id == item_id)).mappings().one()
        connection.execute(sa.update(items).where(items.c.id == item_id).values(**values))
        names = ("path", "recorded_label", "status", "content_hash")
        at = {"dataset_id": "d-1", "revision": revision}
        insert = sa.insert(schema.revisions)
        connection.execute(insert.values(**at, kind="scan", created_at=1.0))
        change = {"item_id": item_id, "kind": "changed", "before": {n: row[n] for n in names}}
        connection.execute(sa.insert(schema.scan_changes).values(**at, **change))
        connection.execute(sa.update(schema.datasets).values(revision=revision))


def test_what_a_scan_found_gone_is_no_cleaning_and_what_was_excluded_before_it_is(ids):
    exclude(ids[:1])
    rescan(ids[0], 3, status="gone")
    rescan(ids[1], 4, status="gone")
    rescan(ids[3], 5, status="broken")

    found = experiments.between("d-1", split_id="s-1", before=1, after=5)

    assert (found.train.edited, found.train.gone) == ((ids[0],), (ids[1],))
    assert (found.valid.edited, found.valid.gone) == ((), (ids[3],))


@pytest.mark.parametrize("change", [{"status": "gone"}, {"content_hash": "other"}])
def test_a_comparison_with_files_that_are_not_as_they_were_starts_no_run(ids, change):
    exclude(ids[:1])
    rescan(ids[1], 3, **change)

    with pytest.raises(RecipeError, match=r"1 image was .* revision 1, .*: cat/1\.jpg") as refused:
        experiments.before_after("d-1", PLAN)

    assert "Choose a later revision" in refused.value.hint
    assert runs.list_runs("d-1") == []


def test_runs_that_finished_before_the_files_went_can_still_be_compared(ids):
    exclude(ids[:1])
    finished("run-1")
    finished("run-2", seed=43)
    rescan(ids[1], 3, status="gone")

    proposal = experiments.propose("d-1", PLAN, n_seeds=2, with_random=False, before=1)

    assert (proposal.n_ready, proposal.changes.train.edited) == (2, (ids[0],))


def test_with_a_limit_a_class_the_images_that_move_up_at_random_are_looked_at_too(ids):
    exclude(ids[:6])
    few = PLAN.model_copy(update={"subset": Subset(per_class=6)})
    frame = catalog.items_at("d-1", revision=1, split_id="s-1", subset=few.subset)
    spare = next(one for one in ids[:12] if one not in frame["item_id"].tolist())
    rescan(spare, 3, content_hash="other")

    alone = experiments.propose("d-1", few, n_seeds=20, with_random=False, before=1)

    assert alone.n_ready == 0
    with pytest.raises(RecipeError, match=r"1 image was replaced or deleted after revision 1"):
        experiments.propose("d-1", few, n_seeds=20, before=1)
