import pytest

from core.domain.advice import Facts, Weights, advise, misfits
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
    measured = ("accuracy", "accuracy_multi", "f1_macro")

    assert found(recipe(loss=BinaryCrossEntropy())) == []
    assert found(recipe(loss=BinaryCrossEntropy(), metrics=measured)) == []
    assert found(recipe(metrics=measured)) == [("refused", "metrics")]


def test_log_loss_is_refused_where_probabilities_do_not_sum_to_1():
    measured = recipe(loss=BinaryCrossEntropy(), metrics=("accuracy", "log_loss"))
    watched = recipe(loss=BinaryCrossEntropy(), keep_best=KeepBest(metric="log_loss"))

    (advice,) = advise(measured, ONE)

    assert "log_loss cannot be measured on probabilities that do not sum to 1" in advice.sentence
    assert "log_loss" not in advice.hint
    assert found(watched) == [("refused", "keep_best.metric")]


def test_one_class_is_refused_also_where_labels_are_several():
    (advice,) = advise(
        recipe(loss=BinaryCrossEntropy()), Facts(**{**SEVERAL.__dict__, "n_classes": 1})
    )

    assert (advice.level, advice.field) == ("refused", "classes")
    assert advice.sentence.endswith("at least two classes, and there is 1 class in use.")


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
        ({"accumulate": 1024}, "accumulate"),
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


@pytest.mark.parametrize(("precision", "level"), [("fp16", "refused"), ("bf16", "warning")])
def test_mixed_precision_needs_a_gpu_or_a_processor_that_knows_bf16(precision, level):
    made = recipe(precision=precision)

    assert found(made) == []
    assert found(made, facts(n_gpus=0)) == [(level, "precision")]


@pytest.mark.parametrize(
    ("n_devices", "fields", "said"),
    [
        (2, {"batch_size": 9}, "A batch of 9 images cannot be shared by 2 devices"),
        (3, {"batch_size": 3}, "A batch of 3 images cannot be shared by 3 devices"),
        (
            4,
            {"stages": (HEAD, ALL.model_copy(update={"batch_size": 10}))},
            "A batch of 10 images cannot be shared by 4 devices",
        ),
        (8, {}, "wants 8 devices, and this machine has 4"),
    ],
)
def test_devices_that_cannot_share_the_batches_are_refused(n_devices, fields, said):
    (advice,) = advise(recipe(n_devices=n_devices, **fields), facts(n_gpus=4))

    assert (advice.level, advice.field) == ("refused", "n_devices")
    assert said in advice.sentence


def test_devices_that_can_share_the_batches_are_fine():
    cached = Stage(train="features", epochs=1, lr=1e-3, batch_size=9)

    assert found(recipe(n_devices=4), facts(n_gpus=4)) == []
    assert found(recipe(n_devices=8), facts(n_gpus=0)) == []
    assert found(recipe(cached, ALL, n_devices=2), facts(n_gpus=2)) == found(recipe(cached, ALL))


def weights(**changes: object) -> Weights:
    return Weights(
        **{"run_name": "First", "recipe": recipe(), "classes": ("cat", "dog"), **changes}
    )


@pytest.mark.parametrize(
    ("first", "made", "sentence"),
    [
        (
            weights(),
            recipe(arch="resnet34"),
            "The run First has weights of resnet18, and the recipe's network is resnet34.",
        ),
        (
            weights(),
            recipe(concat_pool=False),
            "The head of the run First has concat pooling, and the recipe's has not.",
        ),
        (
            weights(recipe=recipe(head_dropout=0)),
            recipe(),
            "The head of the run First has no layers of dropout, and the recipe's has some.",
        ),
        (
            weights(classes=("cat", "owl")),
            recipe(),
            "The run First was trained on 2 classes that are not the 2 of the plan: only one of "
            "them has dog, owl.",
        ),
        (
            weights(classes=tuple("abcdef")),
            recipe(),
            "The run First was trained on 6 classes that are not the 2 of the plan: only one of "
            "them has a, b, c and 5 more.",
        ),
    ],
)
def test_weights_of_another_network_head_or_other_classes_do_not_fit(first, made, sentence):
    (misfit,) = misfits(first, made, ("cat", "dog"))

    assert (misfit.level, misfit.field, misfit.sentence) == ("refused", "begins_from", sentence)
    assert misfit.hint.endswith("or begin afresh.")


def test_weights_fit_whatever_does_not_change_the_network():
    other = recipe(ALL, head_dropout=0.1, batch_size=8, pretrained=False, loss=ClassWeighted())
    scratch = {"arch": "xresnet18", "pretrained": False, "stages": (ALL,)}
    own_head = weights(recipe=recipe(**scratch, concat_pool=False, head_dropout=0))

    assert list(misfits(weights(), other, ("cat", "dog"))) == []
    assert list(misfits(own_head, recipe(**scratch), ("cat", "dog"))) == []


def test_refusals_come_first_and_every_advice_is_a_sentence_with_a_hint():
    made = recipe(mix=Mix(), batch_size=2000, precision="fp16", metrics=("f2_samples",))

    advice = advise(made, facts(n_gpus=0))

    assert [one.level for one in advice] == ["refused", "refused", "refused", "warning"]
    assert all(one.sentence.endswith(".") and one.hint.endswith(".") for one in advice)
