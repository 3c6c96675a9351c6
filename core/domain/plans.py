"""What the next run of a dataset would be: a description that is not launched yet."""

from typing import Annotated

from pydantic import Field

from core.domain.recipes import Recipe
from core.domain.values import Frozen


class Subset(Frozen):
    """Which train items a run uses; valid stays whole, and smaller lie in larger ones."""

    per_class: Annotated[int, Field(ge=1)] | None = None  # train images a class; None: all


class Plan(Frozen):
    """Split, subset, recipe and seed: with a dataset's revision, all that a run is."""

    split_id: str
    subset: Subset = Subset()
    recipe: Recipe
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 42
