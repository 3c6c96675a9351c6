"""What a comparison of before and after says, and that it says no more than it may."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from core.datasets import edits
from core.domain.plans import Plan
from core.domain.recipes import BinaryCrossEntropy
from core.review import before_after, compare
from core.review.before_after import Comparison, Difference, MetricRow
from core.review.statistics import Interval
from core.runs import experiments
from core.runs.experiments import Experiment
from core.store import database, schema
from tests import builders

PLAN = Plan(split_id="s-1", recipe=builders.RECIPE, seed=1)
CAT, DOG = [0.9, 0.1], [0.2, 0.8]


@pytest.fixture
def valid() -> list[int]:
    """Give the eight valid items: four cats, then four dogs."""
    names = [f"{n:02d}.jpg" for n in range(16)]
    ids = builders.insert_dataset({"cat": names, "dog": names})
    edits.apply("d-1", operation_id="clean", kind="exclude", item_ids=ids[:2])
    return ids[3::4]


def end(run_id: str, status: str = "finished") -> None:
    mine = sa.update(schema.runs).where(schema.runs.c.id == run_id)
    with database.writing() as connection:
        connection.execute(mine.values(status=status))


def trained(valid: Sequence[int], right: dict[tuple[str, int], int]) -> Experiment:
    """Begin an experiment of two seeds and end those runs that have a number of right images."""
    experiment = experiments.before_after("d-1", PLAN, n_seeds=2)
    for member in experiment.members:
        if (member.arm, member.seed) in right:
            n = right[member.arm, member.seed]
            p = [CAT if (at < 4) == (at < n) else DOG for at in range(8)]
            labels = [0, 0, 0, 0, 1, 1, 1, 1]
            builders.save_predictions(member.run_id, ["cat", "dog"], valid, labels, p)
            end(member.run_id)
    return experiment


ALL = {("before", 1): 4, ("before", 2): 5, ("after", 1): 7, ("after", 2): 7}


def test_a_seed_is_paired_with_itself(valid):
    found = before_after.compare(trained(valid, ALL))

    row = found.decisive
    assert (found.seeds, found.n_items, found.revision) == ((1, 2), 8, 2)
    assert (row.before, row.after) == (4.5 / 8, 7 / 8)
    assert row.cleaning.by_seed == (3 / 8, 2 / 8)
    assert row.cleaning.mean == 2.5 / 8
    assert row.cleaning.seeds.low == pytest.approx(2.5 / 8 - 12.7062 * 0.0625)
    assert row.cleaning.images.low > 0
    assert row.random is None


def test_removing_at_random_is_compared_with_before_too(valid):
    found = before_after.compare(trained(valid, {**ALL, ("random", 1): 4, ("random", 2): 4}))

    assert found.decisive.random.by_seed == (0.0, -1 / 8)


def test_the_images_that_most_seeds_turned_are_named(valid):
    found = before_after.compare(trained(valid, {**ALL, ("after", 2): 4}))

    turned = [(one.item_id, one.right_before, one.right_after) for one in found.to_right]
    assert turned == [(valid[5], 0.0, 0.5), (valid[6], 0.0, 0.5)]
    assert found.to_wrong == ()  # one seed turned the image back that the other turned right
    assert (found.n_to_right, found.n_to_wrong) == (1.5, 0.5)


def test_before_a_seed_has_trained_on_both_there_is_nothing_to_say(valid):
    assert before_after.compare(trained(valid, {("before", 1): 4, ("after", 2): 5})) is None


def test_a_stopped_run_does_not_count(valid):
    experiment = trained(valid, ALL)
    end(experiment.members[0].run_id, "stopped")

    found = before_after.compare(experiment)

    assert found.seeds == (2,)
    assert (found.decisive.cleaning.seeds, found.decisive.cleaning.both) == (None, None)


def test_valid_images_that_were_edited_count_with_their_new_label_and_are_named(valid):
    experiment = trained(valid, ALL)
    edits.apply("d-1", operation_id="x", kind="exclude", item_ids=valid[:1])
    edits.apply("d-1", operation_id="r", kind="relabel", item_ids=valid[7:], label="cat")

    found = before_after.compare(experiment)

    assert (found.n_items, found.revision) == (7, 4)
    assert found.edited_valid == (valid[0], valid[7])
    assert found.decisive.before == pytest.approx(4.5 / 7)
    assert found.decisive.after == 1.0


def comparison(both: tuple[float, float], seeds: tuple[float, float], **random: object):
    """Make a comparison with a difference of 3 points and these intervals."""
    return Comparison(
        revision=2,
        n_items=293,
        seeds=(1, 2, 3, 4, 5),
        main="accuracy",
        rows=(
            MetricRow(
                metric="accuracy",
                before=0.8,
                after=0.831,
                cleaning=difference(0.031, both, seeds),
                random=random.get("random"),
            ),
        ),
        n_to_right=1.0,
        n_to_wrong=1.0,
        to_right=(),
        to_wrong=(),
        edited_valid=(),
    )


def difference(mean: float, both: tuple[float, float], seeds: tuple[float, float]) -> Difference:
    made = [Interval(low=low, high=high) for low, high in (seeds, both)]
    return Difference(mean=mean, by_seed=(), seeds=made[0], images=made[1], both=made[1])


def test_it_helped_where_chance_of_seeds_and_of_images_is_excluded():
    random = difference(-0.002, (-0.015, 0.011), (-0.01, 0.01))

    found = comparison((0.012, 0.05), (0.02, 0.04), random=random)

    assert before_after.outcome(found) == "helped"
    assert before_after.sentence(found) == (
        "Cleaning helped: accuracy +3.1 points (95 % interval +1.2 to +5.0, 5 seeds, 293 images); "
        "removing as many at random: −0.2 (−1.5 to +1.1)."  # noqa: RUF001  # a minus sign
    )


def test_what_holds_on_these_images_alone_is_said_to():
    found = comparison((-0.002, 0.06), (0.02, 0.04))

    assert before_after.outcome(found) == "unclear"
    assert before_after.sentence(found) == (
        "On these 293 images the model is better after cleaning, whatever the seed: accuracy "
        "+3.1 points (95 % interval +2.0 to +4.0, 5 seeds). On other images it need not be "
        "(−0.2 to +6.0)."  # noqa: RUF001
    )


def test_what_may_be_chance_is_called_no_difference():
    found = comparison((-0.01, 0.07), (-0.002, 0.06))

    assert before_after.sentence(found).startswith(
        "No difference that 5 seeds on 293 images can show: accuracy +3.1 points"
    )


def test_a_removal_that_helps_as_well_takes_the_credit_from_cleaning():
    random = difference(0.03, (0.01, 0.05), (0.02, 0.04))

    said = before_after.sentence(comparison((0.012, 0.05), (0.02, 0.04), random=random))

    assert "it may be the smaller number, not the cleaning" in said


def test_two_runs_are_told_apart_by_an_interval_over_images(valid):
    experiment = trained(valid, ALL)
    first, second = (one.run_id for one in experiment.members[:2])

    found = compare.on_same_images([first, second])

    assert found.intervals["accuracy"].low == pytest.approx(0.0, abs=0.13)
    assert found.intervals["accuracy"].high == pytest.approx(0.75, abs=0.13)
    assert set(found.intervals) == {"accuracy", "error_rate", "valid_loss"}


def test_of_several_labels_means_over_classes_have_an_interval_of_seeds_alone(valid):
    builders.let_have_several_labels()
    recipe = builders.RECIPE.model_copy(update={"loss": BinaryCrossEntropy()})
    plan = PLAN.model_copy(update={"recipe": recipe})
    experiment = experiments.before_after("d-1", plan, n_seeds=2, with_random=False)
    labels = dict(zip(valid, ["cat"] * 4 + ["dog"] * 4, strict=True))
    for member in experiment.members:
        n = {"before": 4, "after": 6}[member.arm] + member.seed - 1
        p = [CAT if (at < 4) == (at < n) else DOG for at in range(8)]
        builders.save_label_predictions(member.run_id, ["cat", "dog"], labels, p)
        end(member.run_id)

    found = before_after.compare(experiment)

    rows = {row.metric: row.cleaning for row in found.rows}
    assert found.main == "f2_samples"
    assert rows["f2_samples"].mean == 0.25
    assert rows["f2_samples"].images.low >= 0
    assert rows["f1_macro_multi"].seeds is not None
    assert (rows["f1_macro_multi"].images, rows["f1_macro_multi"].both) == (None, None)
