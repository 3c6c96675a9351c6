"""Interpretation of runs that give an image several labels."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from core.datasets import edits
from core.domain.errors import InputError, NotFoundError
from core.review import compare, confusion, label_scores, predictions, scores, top_losses
from core.review.predictions import LabelPredictions
from core.store import files, frames
from tests import builders

CLASSES = ("cat", "dog", "owl")
LABELS = {11: "cat|dog", 12: "owl", 13: "", 14: "cat"}
P = [[0.9, 0.2, 0.7], [0.1, 0.6, 0.4], [0.2, 0.1, 0.35], [0.8, 0.3, 0.1]]


@pytest.fixture
def found() -> LabelPredictions:
    builders.save_label_predictions("run-1", CLASSES, LABELS, P)
    return predictions.load("run-1")


@pytest.fixture(scope="module")
def many() -> LabelPredictions:
    """Draw predictions with an item and a class that have neither label nor pred."""
    draw = np.random.default_rng(4)
    label, p = draw.random((80, 6)) < 0.3, draw.random((80, 6)).astype(np.float32)
    label[0], p[0] = False, 0.01
    label[:, 5], p[:, 5] = False, 0.01
    return LabelPredictions(
        classes=tuple("abcdef"),
        item_id=np.arange(80),
        label=label,
        loss=predictions.binary_cross_entropy(p, label),
        probability=p,
        threshold=0.4,
    )


def test_labels_and_probabilities_are_read_as_matrices(found):
    assert found.label.tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert found.pred.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert found.probability.tolist() == pytest.approx(np.array(P))
    assert found.threshold == 0.5


def test_a_threshold_is_the_recipes_and_can_be_another(found):
    builders.write_sigmoid_model("run-1", CLASSES, multi=True, threshold=0.65)

    assert predictions.load("run-1").threshold == 0.65
    assert found.at(0.35).pred[1].tolist() == [False, True, True]


def test_the_scores_of_all_labels_are_scikit_learns(many):
    overall = scores.overall(many)

    label, pred = many.label, many.pred
    zero = {"zero_division": 0}
    assert overall["accuracy_multi"] == pytest.approx((label == pred).mean())
    assert overall["exact_match"] == metrics.accuracy_score(label, pred)
    for beta, name in ((1, "f1"), (2, "f2")):
        for average, key in (("samples", "samples"), ("macro", "macro_multi")):
            given = metrics.fbeta_score(label, pred, beta=beta, average=average, **zero)
            assert overall[f"{name}_{key}"] == pytest.approx(given)
    losses = [
        metrics.log_loss(row, p, labels=[0, 1])
        for row, p in zip(label, many.probability, strict=True)
    ]
    assert overall["valid_loss"] == pytest.approx(np.mean(losses), rel=1e-5)


def test_the_scores_of_each_label_are_scikit_learns(many):
    table = scores.per_class(many)

    for beta, name in ((1, "f1"), (2, "f2")):
        precision, recall, f, n = metrics.precision_recall_fscore_support(
            many.label, many.pred, beta=beta, zero_division=0
        )
        assert table[name].tolist() == pytest.approx(f.tolist())
    assert table["precision"].tolist() == pytest.approx(precision.tolist())
    assert table["recall"].tolist() == pytest.approx(recall.tolist())
    assert table["n_valid"].tolist() == n.tolist()
    assert table["n_predicted"].tolist() == many.pred.sum(axis=0).tolist()


def test_the_scores_over_the_threshold_are_those_at_each(many):
    table = label_scores.by_threshold(many)

    row = table[table["threshold"] == 0.7].iloc[0]
    there = scores.overall(many.at(0.7))
    assert table["threshold"].tolist() == [round(0.05 * n, 2) for n in range(1, 20)]
    assert [row[name] for name in ("accuracy_multi", "f1_samples", "f2_samples")] == [
        there[name] for name in ("accuracy_multi", "f1_samples", "f2_samples")
    ]


def test_confused_are_a_label_that_was_missed_and_one_that_was_wrongly_given(found):
    pairs = confusion.most_confused(found)

    assert [(pair.label, pair.pred, pair.count) for pair in pairs] == [
        ("dog", "owl", 1),
        ("owl", "dog", 1),
    ]
    assert confusion.cell_items(found, label="dog", pred="owl") == [11]
    assert confusion.most_confused(found, min_count=2) == []


def test_what_was_missed_and_wrongly_given_is_found_a_label_at_a_time(found):
    loose = found.at(0.25)

    assert confusion.missed_items(loose, "dog") == [11]
    assert confusion.wrongly_given_items(loose, "owl") == [11, 13]
    assert confusion.wrongly_given_items(loose, "dog") == [12, 14]


def test_the_largest_pair_comes_first():
    labels = {1: "cat", 2: "cat", 3: "owl"}
    p = [[0.1, 0.9, 0.1], [0.2, 0.8, 0.1], [0.9, 0.1, 0.2]]
    builders.save_label_predictions("run-1", CLASSES, labels, p)

    pairs = confusion.most_confused(predictions.load("run-1"))

    assert [(pair.label, pair.pred, pair.count) for pair in pairs] == [
        ("cat", "dog", 2),
        ("owl", "cat", 1),
    ]


def test_the_top_losses_say_what_was_missed_and_what_was_wrongly_given(found):
    worst = top_losses.of_valid(found)

    assert [one.item_id for one in worst] == [11, 12, 13, 14]
    assert (worst[0].label, worst[0].pred, worst[0].is_right) == ("cat|dog", "cat|owl", False)
    assert worst[0].missed == (("dog", pytest.approx(0.2)),)
    assert worst[0].wrongly_given == (("owl", pytest.approx(0.7)),)
    assert (worst[2].label, worst[2].pred, worst[2].is_right) == ("", "", True)
    assert [found.item_id[at] for at in top_losses.rank(found, only_wrong=True)] == [11, 12]


def test_the_surest_mistakes_of_an_image_are_named_first(found):
    builders.save_label_predictions("run-1", CLASSES, {1: "owl"}, [[0.6, 0.8, 0.1]])
    builders.save_label_predictions("run-2", CLASSES, {1: "cat|dog"}, [[0.4, 0.1, 0.1]])

    given, missing = (top_losses.of_valid(predictions.load(one))[0] for one in ("run-1", "run-2"))

    assert [name for name, _ in given.wrongly_given] == ["dog", "cat"]
    assert [name for name, _ in missing.missed] == ["dog", "cat"]


def test_the_top_losses_of_train_name_the_most_probable_class(found):
    seen = {"epoch": 0, "item_id": [21, 22, 23], "loss": [0.9, 0.4, 0.7], "pred": [1, 0, 2]}
    frames.save(files.run_train_losses("run-1"), pd.DataFrame({**seen, "p_pred": 0.8}))
    items = pd.DataFrame({"item_id": [21, 22, 23], "label": ["cat|dog", "", "cat"]})
    frames.save(files.run_items("run-1"), items)

    worst = top_losses.of_train("run-1")

    said = [(one.item_id, one.label, one.pred, one.is_right) for one in worst]
    assert said == [
        (21, "cat|dog", "dog", True),
        (23, "cat", "owl", False),
        (22, "", "cat", False),
    ]
    assert worst[0].label_probability is None


def test_predictions_with_test_time_augmentation_are_loaded_beside_the_plain_ones(found):
    views = [[0.9, 0.9, 0.1], [0.1, 0.1, 0.9], [0.1, 0.1, 0.1], [0.9, 0.1, 0.1]]
    builders.save_label_predictions("run-2", CLASSES, LABELS, P, tta=views)

    both = [scores.overall(predictions.load("run-2", tta=tta)) for tta in (False, True)]

    assert [one["exact_match"] for one in both] == [0.5, 1.0]
    assert (predictions.has_tta("run-1"), predictions.has_tta("run-2")) == (False, True)
    with pytest.raises(NotFoundError, match="test-time augmentation"):
        predictions.load("run-1", tta=True)


@pytest.fixture
def valid_ids() -> list[int]:
    ids = builders.insert_dataset({"cat": list("abcdefgh"), "dog": list("abcdefgh")})
    builders.let_have_several_labels()
    return ids[3::4]


def test_runs_are_scored_on_the_newest_labels_with_losses_of_these(valid_ids):
    first, second, third, fourth = valid_ids
    labels = dict.fromkeys((first, second, third), "cat")
    p = [[0.9, 0.2], [0.9, 0.8], [0.2, 0.9]]
    for run_id in ("run-1", "run-2"):
        builders.insert_run(run_id)
    builders.save_label_predictions("run-1", ["cat", "dog"], labels, p)
    builders.save_label_predictions(
        "run-2", ["cat", "dog"], {second: "cat", first: "cat", fourth: "dog"}, p
    )

    edits.apply("d-1", operation_id="o1", kind="relabel", item_ids=[second], label="dog|cat")
    found = compare.on_same_images(["run-1", "run-2"])

    assert (found.revision, found.n_items) == (2, 2)
    assert [one["exact_match"] for one in found.metrics] == [1.0, 0.0]
    wanted = -np.log([[0.9, 0.8], [0.9, 0.8]]).mean()  # label cat of the first, both of the second
    assert found.metrics[0]["valid_loss"] == pytest.approx(wanted, rel=1e-5)
    assert (found.now_right, found.now_wrong) == ((), (first, second))


def test_only_the_classes_that_all_runs_know_are_scored(valid_ids):
    first, second = valid_ids[:2]
    edits.apply("d-1", operation_id="o1", kind="relabel", item_ids=[first], label="cat|owl")
    for run_id in ("run-1", "run-2"):
        builders.insert_run(run_id)
    labels = {first: "cat", second: "cat"}
    builders.save_label_predictions("run-1", ["cat", "dog"], labels, [[0.9, 0.1], [0.9, 0.1]])
    three = [[0.9, 0.1, 0.1], [0.9, 0.1, 0.9]]
    builders.save_label_predictions("run-2", CLASSES, labels, three)

    found = compare.on_same_images(["run-1", "run-2"])

    assert [one["exact_match"] for one in found.metrics] == [1.0, 1.0]


def test_runs_of_one_and_of_several_labels_are_not_compared(valid_ids):
    for run_id in ("run-1", "run-2"):
        builders.insert_run(run_id)
    p = [[0.9, 0.1]] * 4
    builders.save_predictions("run-1", ["cat", "dog"], valid_ids, [0, 0, 1, 1], p)
    labels = dict.fromkeys(valid_ids, "cat")
    builders.save_label_predictions("run-2", ["cat", "dog"], labels, p)

    with pytest.raises(InputError, match="run-2 gives an image several labels, and run-1"):
        compare.on_same_images(["run-1", "run-2"])
