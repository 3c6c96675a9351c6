"""The weights of another run, as those that a recipe begins with: do they fit into its network?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.domain import archs
from core.domain.advice.values import Advice, refused
from core.domain.recipes import Recipe

FIELD = "begins_from"
"""Of the plan, not of the recipe."""

MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the weights that a run left were trained as."""

    run_name: str
    recipe: Recipe
    classes: tuple[str, ...]  # in the order of the network's outputs


def misfits(weights: Weights, recipe: Recipe, classes: Sequence[str]) -> Iterator[Advice]:
    """Refuse weights of another network, of another head, or of other classes.

    Weights of as many other classes would load without a word, and answer with the wrong names.
    """
    if weights.recipe.arch != recipe.arch:
        yield refused(
            FIELD,
            f"The run {weights.run_name} has weights of {weights.recipe.arch}, and the recipe's "
            f"network is {recipe.arch}.",
            f"Choose {weights.recipe.arch}, or begin afresh.",
        )
    else:
        yield from _heads(weights, recipe)
    if weights.classes != tuple(classes):
        yield refused(
            FIELD,
            f"The run {weights.run_name} was trained on {len(weights.classes)} classes that are "
            f"not the {len(classes)} of the plan{_difference(weights.classes, classes)}.",
            "Choose the same classes, or begin afresh.",
        )


def _heads(weights: Weights, recipe: Recipe) -> Iterator[Advice]:
    """Compare what shapes fastai's head; an xresnet keeps its own, whatever a recipe says."""
    arch = archs.find(recipe.arch)
    if arch is not None and arch.library == "xresnet":
        return
    if weights.recipe.concat_pool != recipe.concat_pool:
        has, wants = ("has", "has not") if weights.recipe.concat_pool else ("has not", "has")
        yield refused(
            FIELD,
            f"The head of the run {weights.run_name} {has} concat pooling, and the recipe's "
            f"{wants}.",
            f"Turn concat pooling {'on' if has == 'has' else 'off'}, or begin afresh.",
        )
    had, wanted = (one.head_dropout != 0 for one in (weights.recipe, recipe))
    if had != wanted:  # fastai leaves a layer of dropout 0 out, so the weights have other names
        yield refused(
            FIELD,
            f"The head of the run {weights.run_name} has {'layers' if had else 'no layers'} of "
            f"dropout, and the recipe's has {'some' if wanted else 'none'}.",
            f"Set the dropout in the head {'above' if had else 'to'} 0, or begin afresh.",
        )


def _difference(one: Sequence[str], other: Sequence[str]) -> str:
    """Name the first few classes that only one side has."""
    names = sorted(set(one) ^ set(other))
    n_more = len(names) - MOST_NAMED
    more = f" and {n_more} more" if n_more > 0 else ""
    return f": only one of them has {', '.join(names[:MOST_NAMED])}{more}" if names else ""
