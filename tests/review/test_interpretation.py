import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from core.domain.errors import NotFoundError
from core.domain.runs import Epoch
from core.review import confusion, predictions, scores, top_losses, verdict
from core.store import files, frames
from tests import builders

CLASSES = ("cat", "dog", "owl")
P = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1]]
LABELS = [0, 1, 0, 2, 2]
IDS = [11, 12, 13, 14, 15]


@pytest.fixture
def found() -> predictions.Predictions:
    builders.save_predictions("run-1", CLASSES, IDS, LABELS, P)
    return predictions.load("run-1")


def test_the_matrix_counts_labels_down_and_preds_across(found):
    assert confusion.matrix(found).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_the_most_confused_pairs_leave_the_diagonal_out_and_obey_the_minimum(found):
    pairs = confusion.most_confused(found)

    assert [(pair.label, pair.pred, pair.count) for pair in pairs] == [
        ("cat", "dog", 1),
        ("owl", "cat", 1),
    ]
    assert confusion.most_confused(found, min_count=2) == []


def test_a_cell_lists_its_images(found):
    assert confusion.cell_items(found, label="owl", pred="cat") == [15]


def test_the_scores_are_scikit_learns():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(7), size=60)
    labels = rng.integers(0, 7, 60)
    builders.save_predictions("run-2", [f"c{n}" for n in range(7)], range(60), labels, p)

    found = predictions.load("run-2")
    overall, per_class = scores.overall(found), scores.per_class(found)

    precision, recall, f1, n = metrics.precision_recall_fscore_support(
        labels, p.argmax(1), labels=range(7), zero_division=0
    )
    assert overall["accuracy"] == metrics.accuracy_score(labels, p.argmax(1))
    assert overall["top_5_accuracy"] == metrics.top_k_accuracy_score(labels, p, k=5)
    assert overall["valid_loss"] == pytest.approx(metrics.log_loss(labels, p, labels=range(7)))
    assert per_class["precision"].tolist() == pytest.approx(precision.tolist())
    assert per_class["recall"].tolist() == pytest.approx(recall.tolist())
    assert per_class["f1"].tolist() == pytest.approx(f1.tolist())
    assert per_class["n_valid"].tolist() == n.tolist()


def test_five_classes_or_fewer_have_no_top_5_accuracy(found):
    assert "top_5_accuracy" not in scores.overall(found)


def test_the_top_losses_of_valid_come_highest_first_with_what_the_model_said(found):
    worst = top_losses.of_valid(found)

    assert [one.item_id for one in worst] == [15, 13, 14, 11, 12]
    assert (worst[0].label, worst[0].pred) == ("owl", "cat")
    assert worst[0].probability == pytest.approx(0.6)
    assert worst[0].label_probability == pytest.approx(0.1)


def test_the_top_losses_of_train_average_the_epochs_but_the_first(found):
    seen = pd.DataFrame(
        {
            "epoch": [0, 0, 1, 1, 2, 2],
            "item_id": [21, 22, 21, 22, 21, 22],
            "loss": [9.0, 0.1, 0.2, 1.0, 0.4, 3.0],
            "pred": [1, 0, 0, 1, 0, 2],
            "p_pred": [0.9, 0.9, 0.8, 0.6, 0.9, 0.7],
        }
    )
    frames.save(files.run_train_losses("run-1"), seen)
    items = pd.DataFrame({"item_id": [21, 22], "label": ["cat", "cat"]})
    frames.save(files.run_items("run-1"), items)

    worst = top_losses.of_train("run-1")

    assert [(one.item_id, one.pred) for one in worst] == [(22, "owl"), (21, "cat")]
    assert worst[0].loss == pytest.approx(2.0)
    assert worst[1].probability == pytest.approx(0.85)


def test_the_hardest_for_a_model_are_those_of_its_last_epoch_alone(found):
    seen = pd.DataFrame(
        {
            "epoch": [0, 0, 1, 1, 2, 2],
            "item_id": [21, 22, 21, 22, 21, 22],
            "loss": [0.1, 9.0, 0.2, 8.0, 0.4, 0.3],
            "pred": [0, 1, 0, 1, 2, 0],
            "p_pred": [0.9, 0.9, 0.8, 0.6, 0.9, 0.7],
        }
    )
    frames.save(files.run_train_losses("run-1"), seen)
    items = pd.DataFrame({"item_id": [21, 22], "label": ["cat", "cat"]})
    frames.save(files.run_items("run-1"), items)

    hardest = top_losses.hardest("run-1")

    assert [(one.item_id, one.pred, one.is_right) for one in hardest] == [
        (21, "owl", False),
        (22, "cat", True),
    ]
    assert [one.loss for one in hardest] == pytest.approx([0.4, 0.3])


def test_a_run_without_predictions_is_told_in_a_sentence():
    with pytest.raises(NotFoundError, match="no predictions"):
        predictions.load("run-none")


def _epoch(number: int, train: float, valid: float) -> Epoch:
    return Epoch(
        epoch=number,
        stage=0,
        last_step=number,
        train_loss=train,
        valid_loss=valid,
        metrics={},
        seconds=1.0,
        images_per_second=1.0,
    )


@pytest.mark.parametrize(
    ("losses", "word"),
    [
        ([(1.0, 1.0)], "too few"),
        ([(1.0, 1.0), (0.5, 0.8), (0.1, 1.2)], "Overfitting: the valid loss was lowest after"),
        ([(1.0, 1.0), (0.7, 0.7)], "Still learning"),
        ([(1.5, 1.0), (1.4, 0.99)], "underfitting"),
        ([(0.5, 0.5), (0.45, 0.49)], "Well fitted"),
        ([(0.5, 1.25), (0.342, 1.235)], "knows the train images much better than others"),
    ],
)
def test_the_verdict_reads_the_curves(losses, word):
    epochs = [_epoch(number, *pair) for number, pair in enumerate(losses)]

    assert word in verdict.sentence(epochs)
