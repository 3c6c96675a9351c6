"""What a run measures, in words, and which of it is drawn."""

from core.domain.items import Dataset
from core.domain.recipes import BinaryCrossEntropy, Recipe
from core.domain.recipes.measures import LOWER_IS_BETTER

NAMES = {
    "accuracy": "Accuracy",
    "error_rate": "Error rate",
    "top_k_accuracy": "Top-k accuracy",
    "top_5_accuracy": "Top-5 accuracy",
    "precision_macro": "Precision, macro",
    "recall_macro": "Recall, macro",
    "f1_macro": "F1, macro",
    "balanced_accuracy": "Balanced accuracy",
    "cohen_kappa": "Cohen's κ",
    "log_loss": "Log loss",
    "accuracy_multi": "Accuracy of labels",
    "f1_samples": "F1, samples",
    "f2_samples": "F2, samples",
    "f1_macro_multi": "F1, macro",
    "f2_macro_multi": "F2, macro",
    "exact_match": "Exact match",
    "tta_accuracy": "Accuracy with TTA",
    "tta_exact_match": "Exact match with TTA",
    "valid_loss": "Valid loss",
    "train_loss": "Train loss",
}
USUAL = ("accuracy", "top_5_accuracy")
USUAL_WITH_SIGMOID = ("accuracy", "top_5_accuracy", "accuracy_multi")
USUAL_MULTI = ("accuracy_multi", "f1_samples", "f2_samples")
NOT_SHARES = ("cohen_kappa", "log_loss", "valid_loss", "train_loss")


def name(metric: str) -> str:
    """Name a metric as a person reads it."""
    return NAMES.get(metric, metric)


def value(metric: str, number: float) -> str:
    """Write a metric: a share in per cent, anything else as a number."""
    return f"{number:.3f}" if metric in NOT_SHARES else f"{number:.1%}"


def drawn(recipe: Recipe, dataset: Dataset) -> tuple[str, ...]:
    """Give the metrics of a run whose curves are drawn together: those that rise when better."""
    if recipe.metrics:
        named = [
            f"top_{recipe.top_k}_accuracy" if "top_k" in one else one for one in recipe.metrics
        ]
        return tuple(one for one in named if one not in LOWER_IS_BETTER)
    if dataset.is_multi_label:
        return USUAL_MULTI
    is_sigmoid = isinstance(recipe.loss, BinaryCrossEntropy)
    return USUAL_WITH_SIGMOID if is_sigmoid else USUAL


def shown(metrics: dict[str, float]) -> list[str]:
    """Order what a run has measured for its result: the best known first, the valid loss last."""
    left = [one for one in metrics if one not in ("train_loss", "valid_loss", "error_rate")]
    return [*left, "valid_loss"] if "valid_loss" in metrics else left
