"""What a run measures: the names that its epochs, its script and its chart know it by."""

from core.domain.recipes import BinaryCrossEntropy, Metric, Recipe

TOP_5_FROM = 6
"""Classes: with five or fewer the top-5 accuracy is always 1."""

USUAL_OF_SEVERAL_LABELS: tuple[Metric, ...] = ("accuracy_multi", "f1_samples", "f2_samples")


def measured(recipe: Recipe, *, n_classes: int, is_multi_label: bool) -> tuple[str, ...]:
    """Name what a run measures beside the loss, in its order.

    A recipe that names no metrics gets the usual ones for the data. What a run watches it
    measures, too. The usual `top_5_accuracy` is no metric of a recipe: its k is always 5.
    """
    names = recipe.metrics or _usual(recipe, n_classes=n_classes, is_multi_label=is_multi_label)
    return tuple(dict.fromkeys((*names, *chosen(recipe))))


def chosen(recipe: Recipe) -> tuple[Metric, ...]:
    """Name the metrics that a recipe asks for, also to keep the best epoch or to stop early by."""
    watched = [each.metric for each in (recipe.keep_best, recipe.early_stopping) if each]
    asked = (*recipe.metrics, *(name for name in watched if name != "valid_loss"))
    return tuple(dict.fromkeys(asked))


def _usual(recipe: Recipe, *, n_classes: int, is_multi_label: bool) -> tuple[str, ...]:
    if is_multi_label:
        return USUAL_OF_SEVERAL_LABELS
    top_5 = ["top_5_accuracy"] if n_classes >= TOP_5_FROM else []
    of_labels = ["accuracy_multi"] if isinstance(recipe.loss, BinaryCrossEntropy) else []
    return ("accuracy", "error_rate", *top_5, *of_labels)
