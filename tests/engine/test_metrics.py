"""The metrics on offer are fastai's, by the names of the recipe."""

import warnings
from typing import Any

import pytest
import torch
from fastai.learner import mk_metric
from fastai.metrics import (
    BalancedAccuracy,
    CohenKappa,
    F1Score,
    F1ScoreMulti,
    FBetaMulti,
    Precision,
    Recall,
    accuracy,
    accuracy_multi,
    error_rate,
    top_k_accuracy,
)
from torch import nn

from core.domain.errors import RecipeError
from core.domain.metrics import measured as measured_names
from core.domain.recipes import (
    MULTI_LABEL_METRICS,
    SINGLE_LABEL_METRICS,
    BinaryCrossEntropy,
    EarlyStopping,
    KeepBest,
)
from core.engine import metrics
from tests.engine import tiny
from tests.engine.conftest import fine_tune

pytestmark = pytest.mark.engine

ONE_LABEL = {"multi_target": False, "multi": False}
SIGMOID_OF_ONE = {"multi_target": True, "multi": False}
SEVERAL = {"multi_target": True, "multi": True}


def measured(found: list[Any], *, several: bool) -> dict[str, float]:
    """Measure a network that was trained a little, by name."""
    names, numbers = named_values(found, several=several)
    return dict(zip(names, numbers, strict=True))


def named_values(found: list[Any], *, several: bool) -> tuple[list[str], list[float]]:
    numbers = tiny.targets(tiny.N_TRAIN), tiny.targets(tiny.N_VALID)
    given = [tiny.one_hot(each) for each in numbers] if several else numbers
    loss = nn.BCEWithLogitsLoss() if several else nn.CrossEntropyLoss()
    learn = tiny.learner(tiny.loaders(*given), loss_func=loss, metrics=found)
    tiny.watched(learn)
    return list(learn.recorder.metric_names[3:-1]), list(learn.recorder.values[-1][2:])


def build(*, multi_target: bool, multi: bool, **changes: Any) -> list[Any]:
    return metrics.build(fine_tune(**changes), n_classes=4, multi_target=multi_target, multi=multi)


def test_metrics_of_one_label_are_fastai_s() -> None:
    ours = measured(build(metrics=SINGLE_LABEL_METRICS, top_k=2, **ONE_LABEL), several=False)

    _, theirs = named_values(
        [
            accuracy,
            error_rate,
            lambda inp, targ: top_k_accuracy(inp, targ, k=2),
            Precision(average="macro"),
            Recall(average="macro"),
            F1Score(average="macro"),
            BalancedAccuracy(),
            CohenKappa(),
            nn.functional.cross_entropy,
        ],
        several=False,
    )
    assert list(ours) == list(SINGLE_LABEL_METRICS)
    assert list(ours.values()) == pytest.approx(theirs, rel=1e-5)
    assert len({round(value, 6) for value in ours.values()}) > 5


def test_metrics_of_several_labels_are_fastai_s_at_the_recipe_s_threshold() -> None:
    found = build(metrics=MULTI_LABEL_METRICS, loss=BinaryCrossEntropy(threshold=0.3), **SEVERAL)

    ours = measured(found, several=True)

    _, theirs = named_values(
        [
            lambda inp, targ: accuracy_multi(inp, targ, thresh=0.3),
            F1ScoreMulti(thresh=0.3, average="samples"),
            FBetaMulti(beta=2, thresh=0.3, average="samples"),
            F1ScoreMulti(thresh=0.3, average="macro"),
        ],
        several=True,
    )
    assert list(ours) == list(MULTI_LABEL_METRICS)
    assert list(ours.values()) == theirs


def test_another_threshold_gives_other_values() -> None:
    low, high = (
        measured(build(loss=BinaryCrossEntropy(threshold=at), **SEVERAL), several=True)
        for at in (0.2, 0.6)
    )

    assert list(low) == ["accuracy_multi", "f1_samples", "f2_samples"]
    assert all(low[name] != high[name] for name in low)


@pytest.mark.parametrize(
    ("n_classes", "names"),
    [
        (5, ["accuracy", "error_rate"]),
        (6, ["accuracy", "error_rate", "top_5_accuracy"]),
    ],
)
def test_the_usual_metrics_of_one_label_have_top_5_from_six_classes(
    n_classes: int, names: list[str]
) -> None:
    found = metrics.build(fine_tune(), n_classes=n_classes, **ONE_LABEL)

    assert [each.__name__ for each in found] == names


def test_one_label_with_a_sigmoid_a_class_is_measured_by_the_most_probable_class_too() -> None:
    loss = BinaryCrossEntropy(threshold=0.3)
    numbers = {"metrics": ("accuracy", "f1_macro"), "top_k": 2}

    usual = measured(build(loss=loss, **SIGMOID_OF_ONE), several=True)
    chosen = measured(build(loss=loss, **numbers, **SIGMOID_OF_ONE), several=True)

    assert list(usual) == ["accuracy", "error_rate", "accuracy_multi"]
    assert usual["accuracy"] == chosen["accuracy"] == pytest.approx(1 - usual["error_rate"])
    assert usual["accuracy"] != usual["accuracy_multi"]
    assert 0 < chosen["f1_macro"] < 1


def test_accuracy_against_ones_and_zeros_is_the_one_against_numbers() -> None:
    outputs, numbers = torch.randn(9, 4), torch.tensor(tiny.targets(9))
    by_class = build(loss=BinaryCrossEntropy(), metrics=("accuracy",), **SIGMOID_OF_ONE)[0]

    found = by_class(outputs, torch.stack(tiny.one_hot(numbers.tolist())))

    assert found == accuracy(outputs, numbers)


def test_what_is_undefined_counts_as_nothing_and_warns_of_nothing() -> None:
    chosen = ("precision_macro", "f1_macro", "balanced_accuracy", "cohen_kappa")
    found = build(metrics=chosen, **ONE_LABEL)
    only_one_class = torch.tensor([[9.0, 0, 0, 0]] * 3)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = [each(only_one_class.argmax(dim=1), torch.tensor([0, 0, 0])) for each in found]
        wrong = found[0](torch.tensor([1, 1, 1]), torch.tensor([0, 0, 0]))

    assert values == [1.0, 1.0, 1.0, 0.0]
    assert wrong == 0.0


@pytest.mark.parametrize(
    ("metric", "kinds", "said"),
    [
        ("accuracy", SEVERAL, "accuracy needs one label an image"),
        ("cohen_kappa", SEVERAL, "cohen_kappa needs one label an image"),
        ("f1_samples", ONE_LABEL, "f1_samples needs a sigmoid for each class"),
        ("top_k_accuracy", ONE_LABEL, "With 4 classes the top-5 accuracy is always 1"),
        ("log_loss", SIGMOID_OF_ONE, "log_loss is of probabilities that sum to 1"),
    ],
)
def test_a_metric_that_says_nothing_of_the_data_is_refused(
    metric: str, kinds: dict[str, bool], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        build(metrics=(metric,), **kinds)


def test_what_is_watched_is_measured_also_where_the_recipe_names_no_metrics() -> None:
    recipe = fine_tune(keep_best=KeepBest(metric="f1_macro"), early_stopping=EarlyStopping())

    found = metrics.build(recipe, n_classes=3, multi_target=False, multi=False)

    assert names_of(found) == ("accuracy", "error_rate", "f1_macro")


def test_a_watched_metric_that_says_nothing_of_the_data_is_refused() -> None:
    with pytest.raises(RecipeError, match="With 4 classes the top-5 accuracy is always 1"):
        build(keep_best=KeepBest(metric="top_k_accuracy"), **ONE_LABEL)


SIGMOID = BinaryCrossEntropy()
WATCHED = KeepBest(metric="top_k_accuracy")


@pytest.mark.parametrize(
    ("kinds", "changes"),
    [
        (ONE_LABEL, {}),
        (ONE_LABEL, {"metrics": SINGLE_LABEL_METRICS, "top_k": 3}),
        (ONE_LABEL, {"keep_best": WATCHED, "top_k": 3}),
        (SIGMOID_OF_ONE, {"loss": SIGMOID}),
        (
            SIGMOID_OF_ONE,
            {"loss": SIGMOID, "keep_best": WATCHED, "metrics": ("f1_macro", "f1_samples")},
        ),
        (SEVERAL, {"loss": SIGMOID}),
        (
            SEVERAL,
            {"loss": SIGMOID, "metrics": MULTI_LABEL_METRICS, "early_stopping": EarlyStopping()},
        ),
    ],
)
def test_a_fit_knows_each_metric_by_the_name_that_everybody_expects(
    kinds: dict[str, bool], changes: dict[str, Any]
) -> None:
    recipe = fine_tune(**changes)

    found = metrics.build(recipe, n_classes=7, **kinds)

    assert names_of(found) == measured_names(recipe, n_classes=7, is_multi_label=kinds["multi"])


def names_of(found: list[Any]) -> tuple[str, ...]:
    """Name metrics as fastai's Recorder does."""
    return tuple(mk_metric(each).name for each in found)
