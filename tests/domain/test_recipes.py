import pytest
from pydantic import ValidationError

from core.domain.recipes import Discriminative, Recipe, Stage

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
