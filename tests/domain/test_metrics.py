"""What a run measures, for each kind of data and recipe."""

import pytest

from core.domain import metrics
from core.domain.recipes import BinaryCrossEntropy, EarlyStopping, KeepBest
from tests import builders

SEVERAL = ("accuracy_multi", "f1_samples", "f2_samples")


@pytest.mark.parametrize(
    ("changes", "n_classes", "is_multi_label", "names"),
    [
        ({}, 5, False, ("accuracy", "error_rate")),
        ({}, 6, False, ("accuracy", "error_rate", "top_5_accuracy")),
        (
            {"loss": BinaryCrossEntropy()},
            6,
            False,
            ("accuracy", "error_rate", "top_5_accuracy", "accuracy_multi"),
        ),
        ({"loss": BinaryCrossEntropy()}, 6, True, SEVERAL),
        ({"metrics": ("log_loss",)}, 6, False, ("log_loss",)),
    ],
)
def test_a_recipe_that_names_no_metrics_gets_the_usual_ones(
    changes, n_classes, is_multi_label, names
):
    recipe = builders.RECIPE.model_copy(update=changes)

    found = metrics.measured(recipe, n_classes=n_classes, is_multi_label=is_multi_label)

    assert found == names


def test_what_is_watched_is_measured_once_and_last():
    watching = {
        "keep_best": KeepBest(metric="top_k_accuracy"),
        "early_stopping": EarlyStopping(metric="accuracy"),
    }
    usual = builders.RECIPE.model_copy(update=watching)
    named = usual.model_copy(update={"metrics": ("f1_macro",)})
    by_loss = builders.RECIPE.model_copy(update={"keep_best": KeepBest()})

    found = [
        metrics.measured(each, n_classes=6, is_multi_label=False)
        for each in (usual, named, by_loss)
    ]

    assert found == [
        ("accuracy", "error_rate", "top_5_accuracy", "top_k_accuracy"),
        ("f1_macro", "top_k_accuracy", "accuracy"),
        ("accuracy", "error_rate", "top_5_accuracy"),
    ]
    assert metrics.chosen(by_loss) == ()
