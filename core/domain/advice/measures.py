"""Rules about loss and metrics: do they fit the labels, and the schedule?"""

from collections.abc import Iterator, Sequence

from core.domain.advice.values import Advice, Facts, Rule, refused, warning
from core.domain.recipes import (
    MULTI_LABEL_METRICS,
    SINGLE_LABEL_METRICS,
    BinaryCrossEntropy,
    Constant,
    Metric,
    Recipe,
)


def suiting(recipe: Recipe, *, is_multi_label: bool) -> tuple[Metric, ...]:
    """Give the metrics that can be measured of a recipe's answers.

    With a sigmoid a class those of several labels can, too, and log loss cannot: it is of
    probabilities that sum to 1.
    """
    if is_multi_label:
        return MULTI_LABEL_METRICS
    if not isinstance(recipe.loss, BinaryCrossEntropy):
        return SINGLE_LABEL_METRICS
    of_one = tuple(metric for metric in SINGLE_LABEL_METRICS if metric != "log_loss")
    return (*of_one, *MULTI_LABEL_METRICS)


def _loss(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    if facts.is_multi_label and not isinstance(recipe.loss, BinaryCrossEntropy):
        yield refused(
            "loss",
            f"The loss {recipe.loss.kind} expects one label an image, and these images have "
            "several.",
            "Choose binary cross-entropy: it asks of each class by itself.",
        )


def _metrics(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    able = suiting(recipe, is_multi_label=facts.is_multi_label)
    wrong = [metric for metric in recipe.metrics if metric not in able]
    if wrong:
        yield refused(
            "metrics",
            f"{_joined(wrong)} cannot be measured on {_kind(recipe, facts)}.",
            f"Choose among {_joined(able)}.",
        )


def _watched(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    able = suiting(recipe, is_multi_label=facts.is_multi_label)
    for field in ("keep_best", "early_stopping"):
        chosen = getattr(recipe, field)
        if chosen is None or chosen.metric == "valid_loss":
            continue
        if chosen.metric not in able:
            yield refused(
                f"{field}.metric",
                f"{chosen.metric} cannot be watched: it is not measured on "
                f"{_kind(recipe, facts)}.",
                f"Choose valid_loss, or one of {_joined(able)}.",
            )


def _top_k(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    watched = [chosen.metric for chosen in (recipe.keep_best, recipe.early_stopping) if chosen]
    if "top_k_accuracy" not in (*recipe.metrics, *watched) or facts.is_multi_label:
        return
    if recipe.top_k >= facts.n_classes:
        most = facts.n_classes - 1
        yield refused(
            "top_k",
            f"The top {recipe.top_k} of {facts.n_classes} classes hold every answer: the "
            "accuracy would be 1 whatever the network says.",
            f"Count the top {most} or fewer." if most >= 2 else "Leave top-k accuracy out.",
        )


def _early_stopping(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    stopping = recipe.early_stopping
    if stopping is None:
        return
    falling = [stage for stage in recipe.stages if not isinstance(stage.schedule, Constant)]
    if falling:
        kinds = _joined(sorted({stage.schedule.kind for stage in falling}))
        yield warning(
            "early_stopping",
            f"Early stopping goes badly with {kinds}: a stage may end before the rate has fallen, "
            "and most is learned while it falls.",
            "Train fewer epochs to their end, or keep the rate constant.",
        )
    longest = max(stage.epochs for stage in recipe.stages)
    if stopping.patience >= longest:
        yield warning(
            "early_stopping.patience",
            f"A patience of {stopping.patience} epochs never ends a stage of {longest}.",
            "Take a smaller patience, or leave early stopping out.",
        )


def _kind(recipe: Recipe, facts: Facts) -> str:
    """Say what metrics are measured on."""
    if facts.is_multi_label:
        return "images with several labels"
    if isinstance(recipe.loss, BinaryCrossEntropy):
        return "probabilities that do not sum to 1, which are those of binary cross-entropy"
    return "images with one label"


def _joined(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


RULES: tuple[Rule, ...] = (_loss, _metrics, _watched, _top_k, _early_stopping)
