"""What a run measures, in words, and which of it is drawn."""

from core.datasets import catalog
from core.domain import metrics
from core.domain.recipes.measures import LOWER_IS_BETTER
from core.domain.runs import Run
from core.runs import runs

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
NOT_SHARES = ("cohen_kappa", "log_loss", "valid_loss", "train_loss")


def name(metric: str) -> str:
    """Name a metric as a person reads it."""
    return NAMES.get(metric, metric)


def value(metric: str, number: float) -> str:
    """Write a metric: a share in per cent, anything else as a number."""
    return f"{number:.3f}" if metric in NOT_SHARES else f"{number:.1%}"


def drawn(run: Run) -> tuple[str, ...]:
    """Give the metrics of a run whose curves are drawn together: those that rise when better.

    They are those of its first epoch, and before that what it is going to measure.
    """
    epochs = runs.list_epochs(run.id)
    names = epochs[0].metrics if epochs else _expected(run)
    return tuple(one for one in names if one not in LOWER_IS_BETTER)


def shown(measured: dict[str, float]) -> list[str]:
    """Order what a run has measured for its result: the best known first, the valid loss last."""
    left = [one for one in measured if one not in ("train_loss", "valid_loss", "error_rate")]
    return [*left, "valid_loss"] if "valid_loss" in measured else left


def _expected(run: Run) -> tuple[str, ...]:
    classes = run.subset.classes or catalog.classes(run.dataset_id)
    is_multi_label = catalog.get(run.dataset_id).is_multi_label
    return metrics.measured(run.recipe, n_classes=len(classes), is_multi_label=is_multi_label)
