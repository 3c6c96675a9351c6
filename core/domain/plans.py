"""What the next run of a dataset would be: a description that is not launched yet."""

from typing import Annotated

from pydantic import Field, field_validator

from core.domain.recipes import Recipe
from core.domain.values import Frozen


class RandomRemoval(Frozen):
    """Train images taken out at random; the same number and seed always take the same ones."""

    n: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0, lt=2**31)]


class Subset(Frozen):
    """Which items a run uses: fewer train images a class, fewer classes, some removed at random.

    The images of 25 a class lie within those of 50 a class. Valid stays whole, but for the classes
    that were left out of the whole run. What is removed at random is gone before images a class
    are counted, as if a person had excluded it.
    """

    per_class: Annotated[int, Field(ge=1)] | None = None  # train images a class; None: all
    by_rank: bool = False  # these are the first of the search results; otherwise they are drawn
    classes: Annotated[tuple[str, ...], Field(min_length=2)] | None = None  # None: all
    without: RandomRemoval | None = None  # None: nothing is removed at random

    @field_validator("classes")
    @classmethod
    def _sorted(cls, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if classes is None:
            return None
        chosen = tuple(sorted(set(classes)))
        if len(chosen) < 2:
            raise ValueError("one class alone cannot be told from others: choose two at least")
        return chosen


class Plan(Frozen):
    """Split, subset, recipe and seed: with a dataset's revision, all that a run is."""

    split_id: str
    subset: Subset = Subset()
    recipe: Recipe
    begins_from: str | None = (
        None  # the run whose weights it begins with; None: the recipe's start
    )
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 42
