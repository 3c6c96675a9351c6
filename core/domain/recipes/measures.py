"""What is measured of a fit, what is kept of it, and where it is written besides."""

from typing import Annotated, Literal

from pydantic import Field

from core.domain.recipes.numbers import Probability
from core.domain.values import Frozen

SingleLabelMetric = Literal[
    "accuracy",
    "error_rate",
    "top_k_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "balanced_accuracy",
    "cohen_kappa",
    "log_loss",
]
MultiLabelMetric = Literal["accuracy_multi", "f1_samples", "f2_samples", "f1_macro_multi"]
Metric = SingleLabelMetric | MultiLabelMetric

SINGLE_LABEL_METRICS: tuple[Metric, ...] = (
    "accuracy",
    "error_rate",
    "top_k_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "balanced_accuracy",
    "cohen_kappa",
    "log_loss",
)
MULTI_LABEL_METRICS: tuple[Metric, ...] = (
    "accuracy_multi",
    "f1_samples",
    "f2_samples",
    "f1_macro_multi",
)
LOWER_IS_BETTER = frozenset({"train_loss", "valid_loss", "error_rate", "log_loss"})
"""All other metrics are better when higher."""

Watched = Metric | Literal["valid_loss"]


class KeepBest(Frozen):
    """Keep the weights of the epoch that was best, in place of the last one's."""

    metric: Watched = "valid_loss"


class EarlyStopping(Frozen):
    """End the stage when a metric has not become better for some epochs."""

    metric: Watched = "valid_loss"
    patience: Annotated[int, Field(ge=1, le=1000)] = 3
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class Tta(Frozen):
    """Test-time augmentation, as `Learner.tta`: predictions of n augmented views, averaged.

    `beta` is the weight of the plain view's prediction; None takes the highest of both.
    """

    n: Annotated[int, Field(ge=1, le=64)] = 4
    beta: Probability | None = 0.25


class Tracking(Frozen):
    """Where a run is written besides Winnow's own store."""

    csv: bool = False
    tensorboard: bool = False
    wandb: bool = False
    mlflow: bool = False
