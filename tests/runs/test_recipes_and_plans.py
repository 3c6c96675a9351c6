import pytest
import sqlalchemy as sa

from core.datasets import catalog, edits
from core.domain.errors import NotFoundError, RecipeError
from core.domain.labellers import TableLabeller
from core.domain.plans import Subset
from core.domain.recipes import Auto, BinaryCrossEntropy, Discriminative, KeepBest, Stage
from core.runs import plans, recipes, weights
from core.store import database, schema
from tests import builders


@pytest.fixture
def dataset() -> str:
    builders.insert_dataset({"cat": ["1.jpg", "2.jpg"], "dog": ["3.jpg", "4.jpg"]})
    return "d-1"


@pytest.mark.parametrize("offer", recipes.LIBRARY, ids=lambda offer: offer.name)
def test_every_recipe_says_what_was_measured_and_bears_its_name(offer):
    assert offer.make().name == offer.name
    assert offer.about.endswith(".")
    assert len(offer.source) > 10
    assert offer.measured.endswith(".") or "docs/log.md" in offer.measured


def test_fine_tune_has_the_rates_of_fastais_fine_tune():
    frozen, unfrozen = recipes.fine_tune(epochs=3, lr=4e-3).stages

    assert (frozen.train, frozen.epochs, frozen.lr) == ("head", 1, Discriminative(high=4e-3))
    assert (unfrozen.train, unfrozen.epochs) == ("all", 3)
    assert unfrozen.lr == Discriminative(low=2e-3 / 100, high=2e-3)
    assert (unfrozen.schedule.pct_start, unfrozen.schedule.div) == (0.3, 5.0)


def test_a_new_rate_moves_the_other_stages_by_the_same_factor():
    recipe = recipes.with_rate(recipes.fine_tune(lr=2e-3), 4e-3, stages=(0, 1))

    assert recipe == recipes.fine_tune(lr=4e-3)


def test_a_rate_for_one_stage_leaves_the_others():
    before = recipes.fine_tune()

    after = recipes.with_rate(before, 5e-4, stages=(1,))

    assert after.stages[0] == before.stages[0]
    assert after.stages[1].lr.high == pytest.approx(5e-4)
    assert after.stages[1].lr.low == pytest.approx(5e-6)


def test_more_epochs_keep_the_rates_that_were_set():
    set_by_hand = recipes.with_rate(recipes.fine_tune(), 7e-3, stages=(0, 1))

    longer = recipes.with_epochs(set_by_hand, 9)

    assert longer.stages[1].epochs == 9
    assert [stage.lr for stage in longer.stages] == [stage.lr for stage in set_by_hand.stages]


def test_another_recipe_keeps_sizes_and_takes_a_network_that_it_can_train():
    changed = recipes.fine_tune().model_copy(update={"size_px": 96, "presize_px": 128})

    scratch = recipes.rebuild(changed, name="From scratch")
    back = recipes.rebuild(scratch, name="Fine-tune")

    assert (scratch.arch, scratch.pretrained, scratch.size_px) == ("xresnet18", False, 96)
    assert (back.arch, back.pretrained, back.size_px) == ("resnet34", True, 96)


def test_another_recipe_keeps_what_suits_images_and_machine_and_nothing_else():
    satellite = recipes.satellite().model_copy(update={"batch_size": 16, "precision": "bf16"})

    made = recipes.rebuild(satellite, name="Fine-tune")

    assert made == recipes.fine_tune().model_copy(update={"batch_size": 16})


def test_a_recipe_says_in_what_it_is_not_the_librarys_any_more():
    same = recipes.fine_tune(arch="resnet18", lr=1e-3).model_copy(update={"batch_size": 16})
    other = same.model_copy(update={"precision": "bf16", "stages": same.stages[:1]})

    assert recipes.changed_fields(same) == ()
    assert recipes.changed_fields(other) == ("stages", "precision")
    assert recipes.changed_fields(other.model_copy(update={"name": "Mine"})) == ()


def test_stages_of_another_recipe_keep_their_ratio_to_smaller_sizes():
    small = recipes.for_the_sample()

    made = recipes.rebuild(small, name="Progressive resizing")

    assert [stage.size_px for stage in made.stages] == [37, 64, 64]
    assert [stage.batch_size for stage in made.stages] == [64, 32, 32]
    assert made.presize_px == 64


@pytest.mark.parametrize(
    ("recipe", "epochs"),
    [
        (recipes.baseline(), [6, 6]),
        (recipes.fine_tune(), [1, 6]),
        (recipes.lesson_2(), [2, 3, 7]),
        (recipes.satellite(), [6] * 6),
        (recipes.add_stage(recipes.baseline(), like=0), [10, 10, 6]),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_more_epochs_go_where_the_library_has_the_most(recipe, epochs):
    assert [stage.epochs for stage in recipes.with_epochs(recipe, 6).stages] == epochs


def test_a_rate_for_a_stage_that_would_find_its_own_becomes_its_number():
    lesson = recipes.lesson_2()

    first = recipes.with_rate(lesson, 1e-2, stages=(0, 1, 2))
    last = recipes.with_rate(first, 9e-3, stages=(2,))
    numbers = recipes.with_rate(last, 2e-2, stages=(0, 1, 2))

    assert [stage.lr for stage in first.stages] == [1e-2, Auto(), Auto(spread=9)]
    assert last.stages[2].lr == Discriminative(low=1e-3, high=9e-3)
    assert numbers.stages[0].lr == 2e-2
    assert numbers.stages[1].lr == Auto()
    assert numbers.stages[2].lr.high == pytest.approx(18e-3)


def test_stages_are_added_moved_and_removed_and_the_last_one_stays():
    one, other = Stage(train="head", epochs=1, lr=1e-3), Stage(epochs=2, lr=1e-4)
    recipe = recipes.fine_tune().model_copy(update={"stages": (one, other)})

    copied = recipes.add_stage(recipe, like=0)
    moved = recipes.move_stage(copied, 2, by=-1)
    same = recipes.move_stage(moved, 0, by=-1)
    single = recipes.remove_stage(recipe, 0)

    assert copied.stages == (one, one, other)
    assert moved.stages == (one, other, one)
    assert same == moved
    assert single.stages == (other,)
    with pytest.raises(RecipeError, match="only stage"):
        recipes.remove_stage(single, 0)


def test_a_stage_on_cached_features_cannot_move_behind_another():
    with pytest.raises(RecipeError, match="cached features come first"):
        recipes.move_stage(recipes.lesson_2(), 0, by=1)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("stages", 1, "schedule", "div"), 0.5, "stages.1.schedule.one_cycle.div: "),
        (("stages", 0, "lr", "high"), 1e9, "stages.0.lr.high: "),
        (("size_px",), 1000, "Train size 1000 px|The train size 1000 px is above"),
        (("augmentation", "max_zoom"), 9.0, "augmentation.max_zoom: "),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_its_name(path, value, said):
    with pytest.raises(RecipeError, match=said):
        recipes.with_field(recipes.fine_tune(), path, value)


def test_a_field_deep_inside_is_set_and_the_cycles_give_the_epochs():
    recipe = recipes.with_field(recipes.lesson_2(), ("stages", 2, "schedule", "n_cycles"), 4)

    assert recipe.stages[2].epochs == 15
    assert recipes.diff(recipe, recipes.lesson_2())[1].field == "stages.2.schedule.n_cycles"


def test_what_is_watched_follows_the_labels():
    watching = recipes.fine_tune().model_copy(update={"keep_best": KeepBest(metric="accuracy")})

    made = recipes.for_labels(watching, is_multi_label=True)

    assert made.keep_best == KeepBest(metric="valid_loss")
    assert recipes.for_labels(watching, is_multi_label=False) == watching


def test_a_plan_is_kept_and_a_refused_change_leaves_it(dataset):
    before = plans.get(dataset)

    plans.change(dataset, subset=Subset(per_class=1), seed=7)
    with pytest.raises(RecipeError, match="above the presize"):
        plans.change_recipe(dataset, size_px=1000, presize_px=500)

    after = plans.get(dataset)
    assert (after.subset.per_class, after.seed) == (1, 7)
    assert after.recipe == before.recipe


def test_classes_and_images_a_class_are_changed_one_without_the_other(dataset):
    plans.change_subset(dataset, per_class=1)
    plans.change_subset(dataset, classes=("dog", "cat"))

    assert plans.get(dataset).subset == Subset(per_class=1, classes=("cat", "dog"))


@pytest.mark.parametrize("classes", [("cat",), ("cat", "cat"), ()])
def test_fewer_than_two_classes_are_refused_and_nothing_is_changed(dataset, classes):
    plans.change_subset(dataset, per_class=1)

    with pytest.raises(RecipeError, match="at least 2 classes"):
        plans.change_subset(dataset, classes=classes)

    assert plans.get(dataset).subset == Subset(per_class=1)


def test_a_plan_whose_classes_were_relabelled_is_refused_until_they_are_back(dataset):
    plan = plans.change_subset(dataset, classes=("cat", "dog"))
    (owl,) = (one.id for one in catalog.list_items(dataset, limit=1).items)
    every = [one.id for one in catalog.list_items(dataset).items if one.label == "dog"]

    edits.apply(dataset, operation_id="1", kind="relabel", item_ids=[*every, owl], label="owl")

    with pytest.raises(RecipeError, match="no images of dog are in use"):
        plans.check(dataset, plan)
    edits.undo(dataset, operation_id="2")
    plans.check(dataset, plan)


def test_the_first_plan_of_several_labels_an_image_can_be_trained(dataset):
    make_multi_label()

    plan = plans.change_recipe(dataset, batch_size=2)
    plans.check(dataset, plan)
    satellite = plans.begin_from(dataset, "Satellite, multi-label").recipe
    back = plans.begin_from(dataset, "Fine-tune").recipe

    assert plan.recipe.loss == BinaryCrossEntropy()
    assert plan.recipe.metrics == ("accuracy_multi", "f1_samples", "f2_samples")
    assert (satellite.loss.threshold, satellite.metrics[1]) == (0.2, "f2_samples")
    assert (back.loss, back.metrics) == (BinaryCrossEntropy(), plan.recipe.metrics)


def test_a_plan_that_cannot_be_trained_is_refused_with_the_reason_and_what_to_do(dataset):
    make_multi_label()
    plan = plans.change(dataset, recipe=recipes.fine_tune())

    with pytest.raises(RecipeError, match="The batch size 64 is above") as caught:
        plans.check(dataset, plan)
    assert caught.value.hint

    fitting = plans.change_recipe(dataset, batch_size=2)
    with pytest.raises(RecipeError, match="expects one label an image"):
        plans.check(dataset, fitting)


def make_multi_label() -> None:
    labeller = TableLabeller(table="t.csv", file_column="f", label_column="l", separator=" ")
    plain = labeller.model_dump(mode="json")
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(labeller=plain))


def test_the_first_plan_takes_a_network_whose_weights_are_here(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "squeezenet1_0-b66bff10.pth").touch()

    plan = plans.get(dataset)

    assert plan.recipe.arch == "squeezenet1_0"


def test_missing_weights_are_told_with_file_and_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    said = weights.advice("resnet34")

    assert weights.find("resnet34") is None
    assert "resnet34-b627a593.pth" in said
    assert str(tmp_path / "hub" / "checkpoints") in said


def test_the_first_plan_of_a_small_dataset_has_a_batch_size_that_fits():
    builders.insert_dataset({"cat": [f"{n}.jpg" for n in range(40)]})

    recipe = plans.get("d-1").recipe

    assert recipe.batch_size == 4  # thirty train images make at least four batches


def test_without_a_split_there_is_no_plan():
    with pytest.raises(NotFoundError, match="no split yet"):
        plans.get("d-none")
