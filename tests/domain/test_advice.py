import pytest

from core.domain.advice import Facts, advise
from core.domain.recipes import (
    NO_AUGMENTATION,
    BinaryCrossEntropy,
    ClassWeighted,
    Constant,
    EarlyStopping,
    KeepBest,
    Mix,
    Optimiser,
    Recipe,
    Stage,
    Tracking,
)

ONE = Facts(n_classes=10, is_multi_label=False, n_train=1000, n_valid=200, smallest_class=50)
SEVERAL = Facts(n_classes=10, is_multi_label=True, n_train=1000, n_valid=200, smallest_class=50)
HEAD, ALL = Stage(train="head", epochs=1, lr=1e-3), Stage(epochs=4, lr=1e-3)


def recipe(*stages: Stage, **fields: object) -> Recipe:
    return Recipe(**{"name": "x", "arch": "resnet18", "stages": stages or (HEAD, ALL), **fields})


def found(made: Recipe, facts: Facts = ONE) -> list[tuple[str, str]]:
    return [(advice.level, advice.field) for advice in advise(made, facts)]


def facts(**changes: object) -> Facts:
    return Facts(**{**ONE.__dict__, **changes})


def test_fastais_defaults_need_no_advice():
    assert found(recipe()) == []
    assert found(recipe(loss=BinaryCrossEntropy()), SEVERAL) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"metrics": ("accuracy", "top_k_accuracy"), "top_k": 10}, "top_k"),
        ({"keep_best": KeepBest(metric="top_k_accuracy"), "top_k": 12}, "top_k"),
        ({"metrics": ("f2_samples",)}, "metrics"),
        ({"keep_best": KeepBest(metric="f1_samples")}, "keep_best.metric"),
        (
            {"metrics": ("accuracy",), "keep_best": KeepBest(metric="f1_macro")},
            "keep_best.metric",
        ),
        ({"batch_size": 1001}, "batch_size"),
    ],
)
def test_what_cannot_work_on_one_label_an_image_is_refused(fields, field):
    assert found(recipe(**fields)) == [("refused", field)]


def test_top_k_below_the_number_of_classes_is_fine_and_two_classes_have_none():
    assert found(recipe(metrics=("top_k_accuracy",), top_k=9)) == []

    (advice,) = advise(recipe(metrics=("top_k_accuracy",), top_k=2), facts(n_classes=2))

    assert advice.hint == "Leave top-k accuracy out."


def test_losses_and_metrics_of_one_label_are_refused_on_several_and_the_right_ones_are_named():
    made = recipe(metrics=("accuracy", "f1_macro"))

    loss, metrics = advise(made, SEVERAL)

    assert (loss.level, loss.field, metrics.level, metrics.field) == (
        "refused",
        "loss",
        "refused",
        "metrics",
    )
    assert "binary cross-entropy" in loss.hint
    assert metrics.sentence.startswith("accuracy and f1_macro cannot be measured")
    assert "f2_samples" in metrics.hint


def test_a_sigmoid_a_class_is_allowed_on_one_label_too():
    assert found(recipe(loss=BinaryCrossEntropy())) == []


@pytest.mark.parametrize(
    ("changes", "field"), [({"n_classes": 1}, "classes"), ({"n_valid": 0}, "split")]
)
def test_data_that_cannot_be_learned_or_measured_is_refused(changes, field):
    assert found(recipe(), facts(**changes)) == [("refused", field)]


def test_a_class_without_train_images_cannot_be_weighted():
    made = recipe(loss=ClassWeighted())

    assert found(made) == []
    assert found(made, facts(smallest_class=0)) == [("refused", "loss")]


def test_a_batch_of_more_than_half_the_images_is_warned_of_at_the_stage_that_has_it():
    large = ALL.model_copy(update={"batch_size": 600})

    assert found(recipe(HEAD, large)) == [("warning", "stages.1.batch_size")]
    assert found(recipe(large.model_copy(update={"batch_size": 1200}))) == [
        ("refused", "stages.0.batch_size")
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"accumulate": 1001}, "accumulate"),
        ({"presize_px": 300}, "presize_px"),
        ({"mix": Mix()}, "mix"),
        ({"optimiser": Optimiser(kind="sgd")}, "optimiser.mom"),
        ({"optimiser": Optimiser(kind="rmsprop")}, "optimiser.mom"),
        (
            {"arch": "xresnet18", "pretrained": False, "stages": (ALL,), "concat_pool": False},
            "concat_pool",
        ),
        ({"early_stopping": EarlyStopping(patience=2)}, "early_stopping"),
        ({"stages": (Stage(train=3, epochs=1, lr=1e-3),)}, "stages.0.train"),
        ({"pretrained": False}, "stages.0.train"),
    ],
)
def test_what_is_unwise_is_warned_of(fields, field):
    assert found(recipe(**fields)) == [("warning", field)]


@pytest.mark.parametrize(
    "fields",
    [
        {"presize_px": 300, "augmentation": NO_AUGMENTATION},
        {"presize_px": 336},
        {"mix": Mix(), "stages": (Stage(epochs=20, lr=1e-3),)},
        {"optimiser": Optimiser(kind="sgd", mom=0.9)},
        {
            "optimiser": Optimiser(kind="sgd"),
            "stages": (Stage(epochs=1, lr=1e-3, schedule=Constant()),),
        },
        {
            "early_stopping": EarlyStopping(patience=2),
            "stages": (Stage(epochs=9, lr=1e-3, schedule=Constant()),),
        },
        {"stages": (Stage(train=2, epochs=1, lr=1e-3),)},
        {"pretrained": False, "stages": (ALL, HEAD)},
        {"tracking": Tracking(csv=True)},
    ],
)
def test_what_looks_alike_and_is_fine_is_not_warned_of(fields):
    assert found(recipe(**fields)) == []


def test_a_patience_that_never_ends_is_warned_of():
    made = recipe(
        Stage(epochs=3, lr=1e-3, schedule=Constant()), early_stopping=EarlyStopping(patience=3)
    )

    assert found(made) == [("warning", "early_stopping.patience")]


def test_cached_features_say_what_they_are_not():
    cached = Stage(train="features", epochs=2, lr=1e-3)

    batch_norm = found(recipe(cached, ALL))
    without = found(recipe(cached, arch="squeezenet1_0"))
    views = found(recipe(cached, arch="squeezenet1_0", feature_views=2))
    mixed = found(recipe(cached, Stage(epochs=30, lr=1e-3), arch="squeezenet1_0", mix=Mix()))
    random = found(recipe(cached, ALL, arch="squeezenet1_0", pretrained=False))

    assert batch_norm == [("warning", "stages.0.train")]
    assert without == [("warning", "augmentation")]
    assert views == []
    assert mixed == [("warning", "mix")]
    assert random == [("warning", "stages.0.train")]


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_mixed_precision_is_warned_of_where_no_gpu_is(precision):
    made = recipe(precision=precision)

    assert found(made) == []
    assert found(made, facts(has_gpu=False)) == [("warning", "precision")]


def test_refusals_come_first_and_every_advice_is_a_sentence_with_a_hint():
    made = recipe(mix=Mix(), batch_size=2000, precision="fp16", metrics=("f2_samples",))

    advice = advise(made, facts(has_gpu=False))

    assert [one.level for one in advice] == ["refused", "refused", "warning", "warning"]
    assert all(one.sentence.endswith(".") and one.hint.endswith(".") for one in advice)
