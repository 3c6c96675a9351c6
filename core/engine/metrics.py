"""A recipe's metrics as fastai's, by the names of `core.domain.metrics`."""

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

from fastai.metrics import (
    AccumMetric,
    F1ScoreMulti,
    FBetaMulti,
    accuracy,
    accuracy_multi,
    error_rate,
    top_k_accuracy,
)
from sklearn import metrics as scores
from torch import Tensor, nn

from core.domain.errors import RecipeError
from core.domain.metrics import measured
from core.domain.recipes import (
    MULTI_LABEL_METRICS,
    SINGLE_LABEL_METRICS,
    BinaryCrossEntropy,
    Recipe,
)

Measure = Any
"""One of fastai's `Metric`s, or a function of outputs and targets, averaged over the batches."""

SCORES: dict[str, Callable[..., float]] = {
    "precision_macro": partial(scores.precision_score, average="macro"),
    "recall_macro": partial(scores.recall_score, average="macro"),
    "f1_macro": partial(scores.f1_score, average="macro"),
    "balanced_accuracy": scores.balanced_accuracy_score,
    "cohen_kappa": scores.cohen_kappa_score,
}
"""Of class numbers and preds, as in fastai's Precision, Recall, F1Score and so on."""


def build(recipe: Recipe, *, n_classes: int, multi_target: bool, multi: bool) -> list[Measure]:
    """Make the metrics that a run measures, in their order.

    `multi` says that an item may have several labels, `multi_target` that targets are a 0 or 1
    for each class, as with binary cross-entropy on single labels. Raises RecipeError where a
    metric says nothing of such data.
    """
    names = measured(recipe, n_classes=n_classes, is_multi_label=multi)
    _check(names, multi_target=multi_target, multi=multi)
    if "top_k_accuracy" in names:
        _check_top_k(recipe.top_k, n_classes)
    return [
        _of_several(name, recipe)
        if name in MULTI_LABEL_METRICS
        else _of_one(name, recipe.top_k, multi_target=multi_target)
        for name in names
    ]


def top_5_accuracy(inp: Tensor, targ: Tensor) -> Tensor:
    """Give the share of items whose label is among the five most probable classes."""
    return top_k_accuracy(inp, targ, k=5)


def log_loss(inp: Tensor, targ: Tensor) -> Tensor:
    """Give the mean cross-entropy of all items, whatever loss the fit makes small."""
    outputs, numbers = inp.float().as_subclass(Tensor), targ.as_subclass(Tensor)
    return nn.functional.cross_entropy(outputs, numbers)


class ByClass(AccumMetric):
    """A score of class numbers, also against targets that are a 0 or 1 for each class."""

    def accum_values(self, preds: Tensor, targs: Tensor, learn: Any = None) -> None:
        """Keep the preds and class numbers of a batch."""
        super().accum_values(preds, _numbers(targs), learn)


def _of_one(name: str, top_k: int, *, multi_target: bool) -> Measure:
    """Make a metric of one label an item."""
    if name in SCORES:
        quiet = _quiet(SCORES[name])
        return ByClass(quiet, dim_argmax=-1, to_np=True, invert_arg=True, name=name)
    if name == "log_loss":
        return AccumMetric(log_loss, flatten=False, name=name)
    plain = {
        "accuracy": accuracy,
        "error_rate": error_rate,
        "top_5_accuracy": top_5_accuracy,
        "top_k_accuracy": partial(top_k_accuracy, k=top_k),
    }[name]
    return _of_numbers(plain) if multi_target else plain


def _of_several(name: str, recipe: Recipe) -> Measure:
    """Make a metric of a 0 or 1 for each class."""
    loss = recipe.loss if isinstance(recipe.loss, BinaryCrossEntropy) else BinaryCrossEntropy()
    if name == "accuracy_multi":
        return partial(accuracy_multi, thresh=loss.threshold)
    made = {
        "f1_samples": partial(F1ScoreMulti, average="samples"),
        "f2_samples": partial(FBetaMulti, beta=2, average="samples"),
        "f1_macro_multi": partial(F1ScoreMulti, average="macro"),
    }[name](thresh=loss.threshold)
    made.func, made.name = _quiet(made.func), name
    return made


def _of_numbers(measure: Callable[..., Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Have a metric compare with class numbers where targets are a 0 or 1 for each class."""

    def against_numbers(inp: Tensor, targ: Tensor) -> Tensor:
        return measure(inp, _numbers(targ))

    against_numbers.__name__ = getattr(measure, "func", measure).__name__
    return against_numbers


def _numbers(targets: Tensor) -> Tensor:
    return targets.argmax(dim=-1) if targets.ndim == 2 else targets


def _quiet(score: Callable[..., float]) -> Callable[..., float]:
    """Have a score of scikit-learn count what is undefined as 0, and not warn of it each epoch."""

    @wraps(getattr(score, "func", score))
    def scored(*arguments: Any, **named: Any) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=UserWarning)
            value = float(score(*arguments, **named))
        return 0.0 if math.isnan(value) else value

    return scored


def _check(names: Sequence[str], *, multi_target: bool, multi: bool) -> None:
    if multi:
        _refuse(names, SINGLE_LABEL_METRICS, "one label an image; these have several")
    if not multi_target:
        _refuse(names, MULTI_LABEL_METRICS, "a sigmoid for each class: binary cross-entropy")
    if "log_loss" in names and multi_target:
        raise RecipeError(
            "The metric log_loss is of probabilities that sum to 1, and those of "
            "binary_cross_entropy do not.",
            hint="Leave it out: the valid loss says the same.",
        )


def _check_top_k(k: int, n_classes: int) -> None:
    if k >= n_classes:
        raise RecipeError(
            f"With {n_classes} classes the top-{k} accuracy is always 1.",
            hint=f"Choose a k below {n_classes}, or leave this metric out.",
        )


def _refuse(names: Sequence[str], never: Sequence[str], needs: str) -> None:
    wrong = [name for name in names if name in never]
    if wrong:
        raise RecipeError(f"The metric {wrong[0]} needs {needs}.", hint="Leave it out.")
