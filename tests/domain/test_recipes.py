import pytest
from pydantic import ValidationError

from core.domain.recipes import Auto, Constant, Discriminative, Recipe, Sgdr, Stage

STAGES = (Stage(epochs=1, lr=1e-3),)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"arch": "resnet999"}, "'resnet999' is not one of"),
        ({"arch": "xresnet18"}, "xresnet18 has no pretrained weights"),
        ({"arch": "resnet18", "size_px": 300, "presize_px": 256}, "300 px is above the presize"),
        ({"arch": "resnet18", "epoch": 3}, "Extra inputs are not permitted"),
        ({"arch": "resnet18", "batch_size": 1}, "greater than or equal to 2"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused_with_the_reason(fields, said):
    with pytest.raises(ValidationError, match=said):
        Recipe(name="x", stages=STAGES, **fields)


def test_a_body_rate_above_the_heads_is_refused():
    with pytest.raises(ValidationError, match="above the head's"):
        Discriminative(low=1e-2, high=1e-3)


def test_a_recipe_survives_json():
    recipe = Recipe(
        name="x",
        arch="resnet18",
        stages=(
            Stage(train="head", epochs=2, lr=Discriminative(high=2e-3)),
            Stage(epochs=3, lr=1e-4),
        ),
    )

    again = Recipe.model_validate_json(recipe.model_dump_json())

    assert again == recipe
    assert again.n_epochs == 5


def test_the_epochs_of_a_stage_with_restarts_follow_from_its_cycles():
    stage = Stage(epochs=1, lr=1e-3, schedule=Sgdr(cycle_len=2, cycle_mult=3, n_cycles=3))

    assert stage.schedule.cycle_epochs == (2, 6, 18)
    assert stage.epochs == 26
    assert Stage.model_validate(stage.model_dump(mode="json")) == stage


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"stages": (Stage(epochs=1, lr=1e-3), Stage(train="features", epochs=1, lr=1e-3))},
            "cached features come first",
        ),
        ({"stages": (Stage(epochs=1, lr=1e-3, size_px=500),)}, "500 px is above the presize"),
        (
            {"stages": STAGES, "accumulate": 32, "batch_size": 64},
            "32 images is no multiple of the batch size 64",
        ),
        (
            {"stages": STAGES, "accumulate": 100, "batch_size": 64},
            "100 images is no multiple of the batch size 64",
        ),
        (
            {"stages": (*STAGES, Stage(epochs=1, lr=1e-3, batch_size=48)), "accumulate": 128},
            "128 images is no multiple of the batch size 48",
        ),
        ({"stages": ()}, "at least 1 item"),
    ],
)
def test_stages_that_cannot_follow_each_other_are_refused_with_the_reason(fields, said):
    with pytest.raises(ValidationError, match=said):
        Recipe(name="x", arch="resnet18", **fields)


def test_a_step_of_whole_batches_in_every_stage_is_taken():
    stages = (*STAGES, Stage(epochs=1, lr=1e-3, batch_size=48))

    recipe = Recipe(name="x", arch="resnet18", stages=stages, accumulate=192)

    assert recipe.accumulate == 192


def test_momentum_moves_over_a_cycle_in_one_cycle_only():
    with pytest.raises(ValidationError, match="in one_cycle only"):
        Stage(epochs=1, lr=1e-3, schedule=Constant(), momentum=(0.9, 0.8, 0.9))


def test_a_suggested_rate_is_spread_as_it_was_asked():
    assert Auto().resolve(9e-3) == 9e-3
    assert Auto(spread=9).resolve(9e-3) == Discriminative(low=1e-3, high=9e-3)
