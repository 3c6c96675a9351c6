import pytest
import sqlalchemy as sa

from core.datasets import catalog, edits
from core.domain.errors import NotFoundError, RecipeError
from core.domain.labellers import TableLabeller
from core.domain.plans import Subset
from core.domain.recipes import Discriminative
from core.runs import plans, recipes, weights
from core.store import database, schema
from tests import builders


@pytest.fixture
def dataset() -> str:
    builders.insert_dataset({"cat": ["1.jpg", "2.jpg"], "dog": ["3.jpg", "4.jpg"]})
    return "d-1"


@pytest.mark.parametrize("offer", recipes.LIBRARY, ids=lambda offer: offer.name)
def test_every_recipe_says_what_was_measured_and_bears_its_name(offer):
    assert "Measured:" in offer.make.__doc__
    assert offer.make().name == offer.name
    assert offer.about


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

    longer = recipes.rebuild(set_by_hand, name="Fine-tune", epochs=9)

    assert longer.stages[1].epochs == 9
    assert [stage.lr for stage in longer.stages] == [stage.lr for stage in set_by_hand.stages]


def test_another_recipe_keeps_sizes_and_takes_a_network_that_it_can_train():
    changed = recipes.fine_tune().model_copy(update={"size_px": 96, "presize_px": 128})

    scratch = recipes.rebuild(changed, name="From scratch", epochs=5)
    back = recipes.rebuild(scratch, name="Fine-tune", epochs=5)

    assert (scratch.arch, scratch.pretrained, scratch.size_px) == ("xresnet18", False, 96)
    assert (back.arch, back.pretrained, back.size_px) == ("resnet34", True, 96)


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


def test_a_dataset_of_several_labels_an_image_has_a_plan_but_none_to_train(dataset):
    labeller = TableLabeller(table="t.csv", file_column="f", label_column="l", separator=" ")
    plain = labeller.model_dump(mode="json")
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(labeller=plain))

    plan = plans.get(dataset)

    with pytest.raises(RecipeError, match="Pets has several labels an image"):
        plans.check(dataset, plan)


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
