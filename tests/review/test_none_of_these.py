"""Runs that give one label an image, each class with a sigmoid of its own."""

import numpy as np
import pandas as pd
import pytest

from core.datasets import edits
from core.review import compare, predictions, scores, top_losses
from core.store import files, frames
from tests import builders

CLASSES = ("cat", "dog", "owl")
P = [[0.9, 0.2, 0.1], [0.3, 0.45, 0.1], [0.1, 0.2, 0.2], [0.6, 0.7, 0.1]]
LABELS = [0, 1, 2, 0]
IDS = [11, 12, 13, 14]


@pytest.fixture
def found() -> predictions.Predictions:
    builders.save_predictions("run-1", CLASSES, IDS, LABELS, P)
    builders.write_sigmoid_model("run-1", CLASSES, threshold=0.5)
    return predictions.load("run-1")


def test_images_without_a_class_above_the_threshold_are_none_of_these(found):
    said = scores.answered(found, 0.5)

    assert said.share == 0.5
    assert said.accuracy == 0.5
    assert said.none_of_these == (12, 13)


def test_where_nothing_is_answered_there_is_no_accuracy(found):
    said = scores.answered(found, 0.95)

    assert (said.share, said.accuracy) == (0.0, None)
    assert said.none_of_these == (11, 14, 12, 13)


def test_a_usual_run_has_no_threshold(found):
    builders.save_predictions("run-2", CLASSES, IDS, LABELS, P)

    assert found.threshold == 0.5
    assert predictions.load("run-2").threshold is None


def test_new_labels_make_binary_cross_entropy_of_all_classes(found):
    taken = found.take(np.array([1]), np.array([2]))

    wanted = -np.log([0.7, 0.55, 0.1]).mean()
    assert taken.loss.tolist() == pytest.approx([wanted])


def test_a_train_loss_of_sigmoids_says_nothing_of_the_labels_probability(found):
    seen = {"epoch": 0, "item_id": [21], "loss": [0.4], "pred": [1], "p_pred": [0.8]}
    frames.save(files.run_train_losses("run-1"), pd.DataFrame(seen))
    frames.save(files.run_items("run-1"), pd.DataFrame({"item_id": [21], "label": ["dog"]}))

    (one,) = top_losses.of_train("run-1")

    assert (one.pred, one.is_right, one.label_probability) == ("dog", True, None)


def test_losses_of_different_kinds_are_not_put_side_by_side():
    ids = builders.insert_dataset({"cat": list("abcdefgh"), "dog": list("abcdefgh")})[3::4]
    p = [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]]
    for run_id in ("run-1", "run-2"):
        builders.insert_run(run_id)
        builders.save_predictions(run_id, ["cat", "dog"], ids, [0, 0, 1, 1], p)
    builders.write_sigmoid_model("run-2", ["cat", "dog"])
    edits.apply("d-1", operation_id="o1", kind="relabel", item_ids=[ids[0]], label="dog")

    found = compare.on_same_images(["run-1", "run-2"])

    assert [sorted(one) for one in found.metrics] == [["accuracy", "error_rate"]] * 2
    assert [one["accuracy"] for one in found.metrics] == [0.75, 0.75]
