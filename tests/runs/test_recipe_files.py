import string
from itertools import pairwise

import pytest

from core.domain.errors import ConflictError, InputError, NotFoundError, RecipeError
from core.domain.recipes import Auto, Discriminative, KeepBest, Mix, Sgdr, Stage, Tracking
from core.runs import extras, recipes

FULL = recipes.fine_tune().model_copy(
    update={
        "name": "Café: 'quoted' # not a comment\u202e",
        "mix": Mix(kind="cutmix", alpha=1.0),
        "keep_best": KeepBest(metric="f1_macro"),
        "grad_clip": 1e-5 / 3,
        "stages": (
            Stage(train=2, epochs=1, lr=1 / 3, momentum=(0.95, 0.85, 0.95), size_px=64),
            Stage(epochs=7, lr=Auto(spread=9), schedule=Sgdr()),
            Stage(epochs=2, lr=Discriminative(high=1e-5 / 3), wd=0.1, batch_size=8),
        ),
    }
)


@pytest.mark.parametrize(
    "recipe",
    [FULL, recipes.for_the_sample(), *(offer.make() for offer in recipes.LIBRARY)],
    ids=lambda recipe: recipe.name[:20],
)
def test_a_file_gives_exactly_the_recipe_that_was_written(recipe):
    written = recipes.to_yaml(recipe)

    assert recipes.from_yaml(written.encode()) == recipe
    assert written.splitlines()[1] == "winnow_recipe: 1"
    assert written.startswith("# ")


def test_a_file_by_hand_needs_only_what_has_no_default():
    content = b"""
winnow_recipe: 1
name: Mine
arch: resnet18
stages:
  - {train: head, epochs: 2, lr: 2e-3}
  - {epochs: 1, lr: {high: 1e-4}, schedule: {kind: sgdr, n_cycles: 2}}
"""

    recipe = recipes.from_yaml(content)

    assert recipe.stages[0].lr == 2e-3
    assert recipe.stages[1].epochs == 3
    assert recipe.presize_px == 460


BEGIN = "winnow_recipe: 1\nname: x\narch: resnet18\n"
STAGES = "stages: [{epochs: 1, lr: 1e-3}]\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{BEGIN}{STAGES}epochs: 3\n", "A recipe has no field epochs."),
        (
            f"{BEGIN}stages: [{{epochs: 1, lr: 1e-3, rate: 2}}]",
            "A recipe has no field stages.0.rate.",
        ),
        (BEGIN, "The field stages is missing."),
        (f"{BEGIN}{STAGES}batch_size: many", "batch_size: "),
        (f"{BEGIN}stages: [{{epochs: 1, lr: fast}}]", "stages.0.lr: "),
        (f"{BEGIN}{STAGES}arch: resnet999", "'resnet999'"),
        (STAGES, "its winnow_recipe field is missing"),
        ("- 1\n- 2\n", "its winnow_recipe field is missing"),
        ("", "its winnow_recipe field is missing"),
        ("winnow_recipe: 2\n", "has the format 2"),
        ("winnow_recipe: [1\n", "is no YAML in line"),
        (f"{BEGIN}{STAGES}presize_px: 2020-13-45", "a value that YAML cannot make"),
        ("[" * 50_000, "a value that YAML cannot make"),
        ("x" * 100_001, "100,001 bytes"),
        (b"name: \xff\xfe", "no text in UTF-8"),
        (f"{BEGIN}{STAGES}1: 2", "A recipe has no field 1."),
    ],
    ids=lambda one: repr(one)[:30],
)
def test_what_is_no_recipe_is_refused_with_the_field_or_the_line(content, said):
    with pytest.raises(RecipeError) as caught:
        recipes.from_yaml(content if isinstance(content, bytes) else content.encode())

    assert said in caught.value.sentence
    assert caught.value.hint


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch {file}']",
        "!!python/object/new:subprocess.Popen [['touch', '{file}']]",
        "!!python/name:os.system",
    ],
)
def test_a_file_is_never_executed(value, tmp_path):
    file = tmp_path / "made"
    content = f"{BEGIN}{STAGES}mix: {value.format(file=file)}\n"

    with pytest.raises(RecipeError, match="is no YAML"):
        recipes.from_yaml(content.encode())

    assert not file.exists()


def test_a_few_names_that_stand_for_billions_of_values_are_refused_at_once():
    nested = [
        f"{n}: &{n} [{', '.join([f'*{before}'] * 9)}]"
        for before, n in pairwise(string.ascii_lowercase)
    ]
    content = "\n".join(["a: &a [x]", *nested, "winnow_recipe: *z"])

    with pytest.raises(RecipeError, match="uses the name 'a' for a value in line 1,") as caught:
        recipes.from_yaml(content.encode())

    assert caught.value.hint == "Write the value out, without & and *."


def test_a_name_for_a_single_value_is_refused_too():
    with pytest.raises(RecipeError, match="uses the name 'fast' for a value in line 4,"):
        recipes.from_yaml(f"{BEGIN}mix: *fast\n".encode())


def test_a_file_name_is_harmless():
    named = FULL.model_copy(update={"name": "../../Étude No. 1\n"})

    assert recipes.file_name(named) == "tude-no-1.yaml"
    assert recipes.file_name(FULL.model_copy(update={"name": "…"})) == "recipe.yaml"


def test_a_saved_recipe_comes_back_under_its_name():
    saved = recipes.save(FULL, name="  Mine ")

    assert (saved.name, saved.recipe) == ("Mine", FULL.model_copy(update={"name": "Mine"}))
    assert recipes.list_saved() == [saved]
    assert recipes.get_saved(saved.id) == saved


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced():
    first = recipes.save(recipes.fine_tune(), name="Mine")

    with pytest.raises(ConflictError, match="called Mine already"):
        recipes.save(FULL, name="Mine")
    kept = recipes.get_saved(first.id)
    replaced = recipes.save(FULL, name="Mine", overwrite=True)

    assert kept == first
    assert (replaced.id, replaced.created_at) == (first.id, first.created_at)
    assert replaced.recipe.stages == FULL.stages
    assert len(recipes.list_saved()) == 1


def test_copies_get_free_names_and_renaming_keeps_names_apart():
    first = recipes.save(FULL, name="x" * 80)

    second, third = recipes.duplicate(first.id), recipes.duplicate(first.id)
    renamed = recipes.rename(third.id, "Third")
    with pytest.raises(ConflictError):
        recipes.rename(second.id, "Third")

    assert second.name == "x" * 76 + " (2)"
    assert third.name == "x" * 76 + " (3)"
    assert (renamed.name, renamed.recipe.name) == ("Third", "Third")
    assert recipes.rename(renamed.id, "Third").name == "Third"


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_name_must_be_one(name):
    with pytest.raises(InputError, match="1 to 80 characters"):
        recipes.save(FULL, name=name)


def test_a_deleted_recipe_is_gone():
    saved = recipes.save(FULL, name="Mine")

    recipes.delete(saved.id)

    assert recipes.list_saved() == []
    for action in (recipes.delete, recipes.get_saved, recipes.duplicate):
        with pytest.raises(NotFoundError, match="no saved recipe"):
            action(saved.id)


def test_a_diff_names_each_field_that_differs():
    left, right = (
        recipes.fine_tune(),
        recipes.fine_tune(epochs=9).model_copy(update={"mix": Mix()}),
    )

    rows = [(one.field, one.left, one.right) for one in recipes.diff(left, right)]

    assert rows == [
        ("stages.1.epochs", 4, 9),
        ("mix.kind", None, "mixup"),
        ("mix.alpha", None, 0.4),
    ]
    assert recipes.diff(left, left) == ()


def test_a_diff_shows_stages_that_only_one_of_them_has():
    rows = recipes.diff(recipes.from_scratch(arch="xresnet50"), recipes.fine_tune())

    found = {one.field: (one.left, one.right) for one in rows}

    assert found["stages.0.lr"] == (4e-3, None)
    assert found["stages.0.lr.high"] == (None, 2e-3)
    assert found["stages.1.train"] == (None, "all")


@pytest.mark.parametrize(
    ("tracker", "environment", "variable"),
    [
        ("wandb", {}, "WANDB_API_KEY"),
        ("wandb", {"WANDB_MODE": "online"}, "WANDB_API_KEY"),
        ("wandb", {"WANDB_MODE": "offline"}, None),
        ("wandb", {"WANDB_API_KEY": "k"}, None),
        ("mlflow", {}, "MLFLOW_TRACKING_URI"),
        ("mlflow", {"MLFLOW_TRACKING_URI": "http://localhost:5000"}, None),
        ("tensorboard", {}, None),
    ],
)
def test_a_tracker_that_is_not_set_up_is_refused_with_its_variable(
    monkeypatch, tracker, environment, variable
):
    monkeypatch.setattr(extras, "is_installed", lambda package: True)
    for name in ("WANDB_API_KEY", "WANDB_MODE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    wants = recipes.fine_tune().model_copy(update={"tracking": Tracking(**{tracker: True})})

    missing = extras.missing(wants)

    assert [(one.field, one.level) for one in missing] == (
        [(f"tracking.{tracker}", "refused")] if variable else []
    )
    assert all(
        f"needs the variable {variable}, which is not set." in one.sentence for one in missing
    )


def test_packages_that_are_missing_are_refused_with_the_line_that_installs_them(monkeypatch):
    monkeypatch.setattr(extras, "is_installed", lambda package: False)
    wants = recipes.fine_tune().model_copy(
        update={
            "arch": "timm:resnet18",
            "n_devices": 2,
            "tracking": recipes.fine_tune().tracking.model_copy(update={"wandb": True}),
        }
    )

    missing = extras.missing(wants)

    assert [one.field for one in missing] == ["arch", "n_devices", "tracking.wandb"]
    assert [one.level for one in missing] == ["refused"] * 3
    assert missing[2].hint == "Install it with: pip install wandb"
    assert extras.missing(recipes.fine_tune()) == ()


def test_timms_networks_are_listed_without_importing_timm():
    if not extras.is_installed("timm"):
        pytest.skip("needs timm")

    names = extras.list_timm()

    assert len(names) > 1000
    assert {"timm:resnet18", "timm:convnext_tiny", "timm:vit_base_patch16_224"} <= set(names)
