"""What a fit makes small."""

from typing import Annotated, Literal

from pydantic import Field

from core.domain.values import Frozen


class CrossEntropy(Frozen):
    """The usual loss of one label an image."""

    kind: Literal["cross_entropy"] = "cross_entropy"


class LabelSmoothing(Frozen):
    """Cross-entropy against labels that are only almost certain (arXiv:1512.00567)."""

    kind: Literal["label_smoothing"] = "label_smoothing"
    epsilon: Annotated[float, Field(gt=0, lt=1)] = 0.1


class Focal(Frozen):
    """Cross-entropy that counts easy images less (arXiv:1708.02002)."""

    kind: Literal["focal"] = "focal"
    gamma: Annotated[float, Field(ge=0, le=10)] = 2.0


class ClassWeighted(Frozen):
    """Cross-entropy in which each class weighs n / (classes · n_class), from the train images."""

    kind: Literal["class_weighted"] = "class_weighted"


class BinaryCrossEntropy(Frozen):
    """A sigmoid a class: several labels an image, or one or *none of these* for single labels.

    A class counts as predicted where its probability is above the threshold.
    """

    kind: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5


Loss = Annotated[
    CrossEntropy | LabelSmoothing | Focal | ClassWeighted | BinaryCrossEntropy,
    Field(discriminator="kind"),
]
