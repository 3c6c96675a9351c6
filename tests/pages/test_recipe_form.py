"""The recipe form of the train page, rendered without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.recipes import (
    Augmentation,
    Auto,
    Discriminative,
    EarlyStopping,
    FlatCos,
    Focal,
    KeepBest,
    LabelSmoothing,
    Mix,
    OneCycle,
    Optimiser,
    Recipe,
    Sgdr,
    Stage,
    Tta,
)
from core.runs import extras, plans, recipes
from pages.parts import run_charts, words
from tests import builders

APP = Path(__file__).resolve().parents[2] / "app.py"

EXTREME = Recipe(
    name="Extreme",
    arch="timm:resnet10t",
    presize_px=2047,
    size_px=8,
    batch_size=3,
    head_dropout=0.123456,
    augmentation=Augmentation(max_rotate=180, max_zoom=2.5, min_scale=0.01, max_erased=0.01),
    mix=Mix(kind="cutmix", alpha=9.5),
    loss=LabelSmoothing(epsilon=0.9),
    optimiser=Optimiser(mom=0.5, sqr_mom=0.9, eps=1e-9, wd=3.0),
    grad_clip=999.5,
    accumulate=6,
    n_devices=64,
    n_workers=64,
    feature_views=16,
    metrics=("f2_samples", "accuracy"),
    top_k=100,
    keep_best=KeepBest(metric="f1_samples"),
    early_stopping=EarlyStopping(patience=1000, min_delta=1e-9),
    tta=Tta(n=64, beta=None),
    stages=(
        Stage(train=20, epochs=1, lr=Auto(suggestion="minimum/10", spread=1e6), size_px=9),
        Stage(
            epochs=9, lr=100, momentum=(0.1, 0.2, 0.3), wd=10, schedule=OneCycle(pct_start=0.001)
        ),
        Stage(epochs=9, lr=Discriminative(high=1e-11), schedule=FlatCos(pct_start=0.999)),
        Stage(epochs=9, lr=1e-3, schedule=Sgdr(cycle_mult=1), momentum=0.0, batch_size=2),
    ),
)


@pytest.fixture
def at() -> AppTest:
    """Give the train page of a small dataset, with a recipe whose batches fit it."""
    names = [f"{n}.jpg" for n in range(12)]
    builders.insert_dataset({"cat": names, "dog": names, "owl": names})
    at = AppTest.from_file(str(APP), default_timeout=30)
    at.query_params["dataset"] = "d-1"
    at.run()
    return at.switch_page("pages/train_page.py").run()


def sound(at: AppTest) -> bool:
    assert [error.value for error in at.exception] == []
    assert [error.value for error in at.error] == []
    return True


def recipe() -> Recipe:
    return plans.get("d-1").recipe


def start(at: AppTest):
    return next(one for one in at.button if one.label == "Start training")


def said(elements) -> str:
    return "\n".join(one.value for one in elements).replace("\\", "")


def test_every_recipe_of_the_library_is_drawn_with_where_it_comes_from(at):
    for offer in recipes.LIBRARY[1:]:
        at.selectbox(key="train-name-d-1").set_value(offer.name).run()

        assert sound(at)
        assert recipe().name == offer.name
        assert offer.source in said(at.caption)
        assert f"**Measured here:** {offer.measured}" in said(at.caption)


def test_a_recipe_at_the_edges_of_what_is_allowed_is_drawn_as_it_is(at):
    plans.change("d-1", recipe=EXTREME)

    at.run()

    assert sound(at)
    assert recipe() == EXTREME
    assert start(at).disabled
    assert "f2_samples cannot be measured on images with one label" in said(at.warning)
    assert at.text_input(key="stages-2-lr-high-d-1").value == "1e-11"
    assert at.text_input(key="head_dropout-d-1").value == "0.123456"


def test_stages_are_copied_moved_added_and_removed(at):
    first, second = recipe().stages

    at.button(key="stage-copy-1-d-1").click().run()
    copied = recipe().stages
    at.button(key="stage-up-1-d-1").click().run()
    moved = recipe().stages
    at.button(key="stage-remove-0-d-1").click().run()
    at.button(key="stage-add-d-1").click().run()

    assert sound(at)
    assert copied == (first, second, second)
    assert moved == (second, first, second)
    assert recipe().stages == (first, second, second)


def test_the_only_stage_cannot_be_removed(at):
    plans.change_recipe("d-1", stages=recipe().model_dump()["stages"][:1])

    at.run()

    assert at.button(key="stage-remove-0-d-1").disabled
    assert at.button(key="stage-up-0-d-1").disabled
    assert at.button(key="stage-down-0-d-1").disabled


def test_each_schedule_and_each_kind_of_rate_can_be_chosen_and_set(at):
    at.selectbox(key="stages-1-schedule-d-1").set_value("cosine with restarts (SGDR)").run()
    at.number_input(key="stages-1-schedule-n_cycles-d-1").set_value(4).run()
    at.selectbox(key="stages-0-lr-rate-d-1").set_value("found by a range test").run()
    at.text_input(key="stages-0-lr-spread-d-1").set_value("9").run()
    at.selectbox(key="stages-0-train-train-d-1").set_value("the last groups").run()

    one, other = recipe().stages
    assert sound(at)
    assert (other.schedule, other.epochs) == (Sgdr(n_cycles=4), 15)
    assert (one.lr, one.train) == (Auto(spread=9), 2)
    assert [field.label for field in at.number_input if field.label == "Epochs"] == []
    assert [field.label for field in at.text_input if field.label == "Learning rate"] == []


def test_three_momenta_do_not_follow_into_a_schedule_that_has_no_use_for_them(at):
    at.selectbox(key="stages-0-momentum-momentum-d-1").set_value("three numbers").run()
    at.text_input(key="stages-0-momentum-1-d-1").set_value("0.8").run()
    three = recipe().stages[0].momentum

    at.selectbox(key="stages-0-schedule-d-1").set_value("constant").run()

    assert sound(at)
    assert three == (0.95, 0.8, 0.95)
    assert recipe().stages[0].momentum is None


def test_an_emptied_field_is_the_recipes_again(at):
    at.number_input(key="stages-0-size_px-d-1").set_value(96).run()
    set_by_hand = recipe().stages[0].size_px

    at.number_input(key="stages-0-size_px-d-1").set_value(None).run()

    assert sound(at)
    assert set_by_hand == 96
    assert recipe().stages[0].size_px is None


def test_what_a_person_chooses_around_the_stages_is_kept(at):
    at.selectbox(key="loss-loss-d-1").set_value("focal").run()
    at.slider(key="loss-gamma-d-1").set_value(3.0).run()
    at.selectbox(key="optimiser-optimiser-d-1").set_value("Ranger").run()
    at.text_input(key="optimiser-eps-d-1").set_value("1e-6").run()
    at.toggle(key="early_stopping-on-d-1").set_value(True).run()
    at.number_input(key="early_stopping-patience-d-1").set_value(2).run()
    at.toggle(key="tta-on-d-1").set_value(True).run()
    at.text_input(key="tta-beta-d-1").set_value("").run()
    at.selectbox(key="mix-mix pairs of images by-d-1").set_value("cutmix").run()

    found = recipe()
    assert sound(at)
    assert found.loss == Focal(gamma=3)
    assert found.optimiser == Optimiser(kind="ranger", eps=1e-6)
    assert found.early_stopping == EarlyStopping(patience=2)
    assert found.tta == Tta(beta=None)
    assert found.mix == Mix(kind="cutmix", alpha=1)
    assert "Early stopping goes badly with one_cycle" in said(at.info)
    assert not start(at).disabled


def test_a_refused_value_is_told_and_the_field_shows_what_holds(at):
    at.text_input(key="stages-0-wd-d-1").set_value("lots").run()

    assert "'lots' is not a number from 0 to 10" in said(at.error)
    assert at.text_input(key="stages-0-wd-d-1").value == ""
    assert recipe().stages[0].wd is None


def test_a_metric_that_is_always_right_is_refused_with_what_to_do(at):
    asked_before = "top_k-d-1" in [one.key for one in at.number_input]
    at.multiselect(key="metrics-d-1").set_value(["accuracy", "top_k_accuracy"]).run()

    assert not asked_before
    assert at.number_input(key="top_k-d-1").value == 5
    assert start(at).disabled
    assert "The top 5 of 3 classes hold every answer" in said(at.warning)
    assert "Count the top 2 or fewer." in said(at.warning)


def test_two_metrics_of_one_name_are_told_apart(at):
    plans.change_recipe("d-1", metrics=("f1_macro_multi",), keep_best=KeepBest())

    at.run()
    at.selectbox(key="keep_best-metric-best by-d-1").set_value("F1, macro").run()

    options = at.multiselect(key="metrics-d-1").options
    assert sound(at)
    assert [one for one in options if one.startswith("F1")] == ["F1, macro", "F1, macro (2)"]
    assert recipe().keep_best == KeepBest(metric="f1_macro")


def test_a_package_that_is_missing_is_named_with_its_line(at, monkeypatch):
    monkeypatch.setattr(extras, "is_installed", lambda package: False)

    at.toggle(key="tracking-wandb-d-1").set_value(True).run()

    assert start(at).disabled
    assert "pip install wandb" in said(at.warning)


def test_another_network_takes_the_weights_that_it_has(at):
    at.selectbox(key="arch-d-1").set_value("xresnet18").run()

    assert sound(at)
    assert (recipe().arch, recipe().pretrained) == ("xresnet18", False)
    assert "trained from scratch" in said(at.caption)
    assert "on a body that is still random" in said(at.info)


def typed(at: AppTest, name: str) -> AppTest:
    """Type a network that the list does not have, as a browser sends it."""
    box = at.selectbox(key="arch-d-1")
    box.options.append(name)
    return box.set_value(name).run()


def test_a_network_of_timm_is_typed_with_its_tag(at, monkeypatch):
    monkeypatch.setattr(extras, "list_timm", lambda: ("timm:resnet18", "timm:resnet34"))

    typed(at, " timm:resnet18.a1_in1k ")

    assert sound(at)
    assert recipe().arch == "timm:resnet18.a1_in1k"
    assert at.selectbox(key="arch-d-1").value == "timm:resnet18.a1_in1k"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "timm:resnet81.a1_in1k",
            "timm has no network called 'resnet81'.  \nNear to it are resnet18, resnet34.",
        ),
        ("resnet19", "The network 'resnet19' is not one of those on offer"),
    ],
)
def test_a_typed_network_that_is_none_is_told_and_changes_nothing(at, monkeypatch, name, sentence):
    monkeypatch.setattr(extras, "list_timm", lambda: ("timm:resnet18", "timm:resnet34"))
    before = recipe()

    typed(at, name)

    assert sentence in said(at.error)
    assert recipe() == before
    assert at.selectbox(key="arch-d-1").value == before.arch


def test_recipes_are_saved_copied_loaded_and_deleted(at):
    mine = "own-name-d-1"
    at.text_input(key=mine).set_value("Mine <b>")
    at.button(key="own-save-d-1").click().run()
    saved = recipe()
    at.button(key="own-duplicate-d-1").click().run()
    names = [one.name for one in recipes.list_saved()]
    at.selectbox(key="train-name-d-1").set_value("Baseline").run()
    at.button(key="own-load-d-1").click().run()

    assert sound(at)
    assert saved.name == "Mine <b>"
    assert names == ["Mine <b>", "Mine <b> (2)"]
    assert recipe().name == "Mine <b> (2)"
    assert recipe().stages == saved.stages
    at.button(key="own-delete-d-1").click().run()
    assert [one.name for one in recipes.list_saved()] == ["Mine <b>"]


def test_a_name_that_is_taken_is_told_and_replaced_only_when_asked(at):
    recipes.save(recipes.baseline(), name="Mine")
    at.run()

    at.text_input(key="own-name-d-1").set_value("Mine")
    at.button(key="own-save-d-1").click().run()
    told = said(at.error)
    at.checkbox(key="own-replace-d-1").set_value(True)
    at.button(key="own-save-d-1").click().run()

    assert "There is a recipe called Mine already" in told
    assert sound(at)
    assert recipes.list_saved()[0].recipe.stages == recipe().stages


def test_the_differences_to_a_recipe_of_the_library_are_a_table(at):
    at.number_input(key="train-epochs-d-1").set_value(9).run()

    at.selectbox(key="own-compare-d-1").set_value("library: Fine-tune").run()

    table = at.dataframe[0].value.set_index("field")
    assert table.loc["stages.1.epochs"].tolist() == ["9", "4"]
    assert "stages.0.epochs" not in table.index


def test_a_file_becomes_the_recipe_and_a_bad_one_changes_nothing(at):
    written = recipes.to_yaml(recipes.lesson_2()).encode()

    at.file_uploader(key="own-file-d-1").set_value(("r.yaml", written, "application/yaml"))
    at.button(key="own-take-d-1").click().run()
    taken = recipe()
    bad = ("bad.yaml", b"winnow_recipe: 1\nname: x\nlr: 3\n", "application/yaml")
    at.file_uploader(key="own-file-d-1").set_value(bad)
    at.button(key="own-take-d-1").click().run()

    assert taken == recipes.lesson_2()
    assert "The field arch is missing." in said(at.error)
    assert recipe() == taken


def test_the_plot_spans_all_batches_and_shows_the_first_layers_where_they_differ():
    figure = run_charts.schedule(recipes.fine_tune(), n_train=64 * 10)

    head, first, momentum = figure.data
    assert (head.name, first.name, momentum.name) == ("head", "first layers", "momentum")
    assert len(head.x) == 50
    assert max(head.y) == pytest.approx(2e-3, rel=0.05)
    assert max(y for y in first.y if y is not None) == pytest.approx(2e-4, rel=0.05)


def test_the_plot_of_a_long_training_has_few_points_over_the_same_batches():
    figure = run_charts.schedule(recipes.from_scratch_imagenette(), n_train=64 * 10_000)

    assert len(figure.data[0].x) < 2 * run_charts.MOST_DRAWN_BATCHES
    assert figure.layout.xaxis.range == (0, 800_000)
    assert 790_000 < max(figure.data[0].x) < 800_000


def test_the_plot_says_where_a_rate_is_found_later():
    numbers = recipes.with_rate(recipes.lesson_2(), 1e-2, stages=(0,))

    figure = run_charts.schedule(numbers, n_train=64 * 10)

    (note,) = figure.layout.annotations
    assert note.text == "found when<br>the stage begins"
    assert next(shape for shape in figure.layout.shapes if shape.type == "rect").x0 == 20


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        (
            Stage(train="features", epochs=1, lr=1e-3, schedule=FlatCos()),
            "Train the head on cached features for 1 epoch: the rate stays at 1e-3 for the first "
            "75% of the batches, then falls along a cosine.",
        ),
        (
            Stage(train=2, epochs=7, lr=Auto(spread=9), schedule=Sgdr(), size_px=64),
            "Train the last 2 groups for 7 epochs: the rate falls from what a range test suggests "
            "(valley, the first layers at 1/9 of it) along a cosine, 3 times anew, for 1, 2, 4 "
            "epochs; at 64 px.",
        ),
        (
            Stage(train=1, epochs=2, lr=Discriminative(low=1e-5, high=1e-3), momentum=0.9),
            "Train the last group for 2 epochs: the rate rises to 1e-5 at the first layers to "
            "1e-3 at the head over the first 25% of the batches, then falls to almost nothing; "
            "with a momentum of 0.9.",
        ),
    ],
)
def test_a_stage_is_one_sentence(stage, sentence):
    assert words.stage(stage) == sentence
