"""The losses on offer are fastai's, and rankings are made of the plain loss of each item."""

import numpy as np
import pytest
import torch
from fastai.losses import (
    BCEWithLogitsLossFlat,
    CrossEntropyLossFlat,
    FocalLossFlat,
    LabelSmoothingCrossEntropyFlat,
)
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from core.domain.errors import RecipeError
from core.domain.recipes import (
    BinaryCrossEntropy,
    ClassWeighted,
    CrossEntropy,
    Focal,
    LabelSmoothing,
    Loss,
)
from core.engine import losses
from tests.engine import tiny

pytestmark = pytest.mark.engine

NUMBERS = np.array(tiny.targets(tiny.N_TRAIN))
BALANCED = torch.tensor(
    compute_class_weight("balanced", classes=np.unique(NUMBERS), y=NUMBERS), dtype=torch.float32
)


@pytest.mark.parametrize(
    ("loss", "plain"),
    [
        (CrossEntropy(), CrossEntropyLossFlat()),
        (LabelSmoothing(epsilon=0.2), LabelSmoothingCrossEntropyFlat(eps=0.2)),
        (Focal(gamma=1.5), FocalLossFlat(gamma=1.5)),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_loss_has_the_step_losses_of_fastai_s_own(loss: Loss, plain: object) -> None:
    ours = tiny.step_losses(loss_func=losses.build(loss, n_classes=tiny.N_CLASSES))

    assert ours == tiny.step_losses(loss_func=plain)
    assert len(ours) == 6


def test_each_loss_is_another_one() -> None:
    kinds = (CrossEntropy(), LabelSmoothing(), Focal())

    first = {
        tiny.step_losses(loss_func=losses.build(kind, n_classes=tiny.N_CLASSES))[0]
        for kind in kinds
    }

    assert len(first) == 3


def test_binary_cross_entropy_has_fastai_s_losses_and_threshold() -> None:
    dls = tiny.loaders(
        tiny.one_hot(tiny.targets(tiny.N_TRAIN)), tiny.one_hot(tiny.targets(tiny.N_VALID))
    )
    loss = losses.build(BinaryCrossEntropy(threshold=0.3), n_classes=tiny.N_CLASSES, multi=True)

    ours = tiny.step_losses(dls, loss_func=loss)

    assert ours == tiny.step_losses(dls, loss_func=BCEWithLogitsLossFlat(thresh=0.3))
    assert loss.decodes(torch.tensor([0.2, 0.4])).tolist() == [False, True]


def test_class_weights_are_scikit_learn_s_balanced_ones() -> None:
    present = np.unique(NUMBERS)

    weights = losses.class_weights(NUMBERS, n_classes=tiny.N_CLASSES)

    assert weights[torch.from_numpy(present)].tolist() == pytest.approx(BALANCED.tolist())
    assert len(present) < tiny.N_CLASSES
    assert set(np.delete(weights.numpy(), present)) == {1.0}


def test_class_weighted_has_the_step_losses_of_weighted_cross_entropy() -> None:
    weights = torch.ones(tiny.N_CLASSES)
    weights[torch.from_numpy(np.unique(NUMBERS))] = BALANCED
    loss = losses.build(ClassWeighted(), n_classes=tiny.N_CLASSES, targets=NUMBERS)

    ours = tiny.step_losses(loss_func=loss)

    assert ours == tiny.step_losses(loss_func=nn.CrossEntropyLoss(weight=weights))
    assert ours != tiny.step_losses()


@pytest.mark.parametrize("loss", [CrossEntropy(), Focal(), ClassWeighted(), LabelSmoothing()])
def test_a_loss_of_one_label_is_refused_for_several(loss: Loss) -> None:
    with pytest.raises(RecipeError, match=f"The loss {loss.kind} is for one label an image"):
        losses.build(loss, n_classes=3, targets=np.array([0, 1, 2]), multi=True)


@pytest.mark.parametrize("loss", [CrossEntropy(), LabelSmoothing(), Focal(), ClassWeighted()])
def test_the_loss_of_an_item_is_plain_cross_entropy_whatever_is_fitted(loss: Loss) -> None:
    outputs, numbers = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])

    plain, probabilities = losses.per_item(outputs, numbers, loss)

    expected = -outputs.log_softmax(1)[torch.arange(5), numbers]
    assert plain.tolist() == pytest.approx(expected.tolist())
    assert probabilities.sum(dim=1).tolist() == pytest.approx([1.0] * 5)


def test_the_loss_of_an_item_with_several_labels_is_the_mean_over_the_classes() -> None:
    outputs, wanted = torch.tensor([[0.0, 2.0], [-1.0, 1.0]]), torch.tensor([[1.0, 1.0], [0, 0]])

    plain, probabilities = losses.per_item(outputs, wanted, BinaryCrossEntropy())

    right = torch.where(wanted == 1, probabilities, 1 - probabilities)
    assert plain.tolist() == pytest.approx((-right.log()).mean(dim=1).tolist())
    assert probabilities[0].tolist() == pytest.approx([0.5, 0.880797])


def test_a_class_number_is_as_good_as_its_ones_and_zeros() -> None:
    outputs, numbers = torch.randn(4, tiny.N_CLASSES), [3, 0, 1, 1]

    by_number, _ = losses.per_item(outputs, torch.tensor(numbers), BinaryCrossEntropy())
    by_class, _ = losses.per_item(
        outputs, torch.stack(tiny.one_hot(numbers)), BinaryCrossEntropy()
    )

    assert by_number.tolist() == by_class.tolist()
