"""How fast a stage learns: one rate, a spread over the parameter groups, or a range test's."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.domain.recipes.numbers import Rate
from core.domain.values import Frozen

SuggestionName = Literal["minimum/10", "steepest", "valley", "slide"]


class Discriminative(Frozen):
    """Rates spread geometrically over the parameter groups, as fastai's `slice(low, high)`.

    Without `low` every group but the head gets a tenth of `high`, as fastai's `slice(high)`.
    """

    low: Rate | None = None
    high: Rate

    @model_validator(mode="after")
    def _rising(self) -> "Discriminative":
        if self.low is not None and self.low > self.high:
            raise ValueError(f"the body's rate {self.low:g} is above the head's {self.high:g}")
        return self


class Auto(Frozen):
    """A range test when the stage begins, and the suggestion of it that becomes the rate.

    With `spread` the first group gets the rate divided by it, and the groups between follow
    geometrically; 1 gives all groups the same rate.
    """

    suggestion: SuggestionName = "valley"
    spread: Annotated[float, Field(ge=1, le=1e6)] = 1.0

    def resolve(self, lr: float) -> "float | Discriminative":
        """Make the rate of a stage out of the suggested one."""
        return lr if self.spread == 1 else Discriminative(low=lr / self.spread, high=lr)


LearningRate = Rate | Discriminative | Auto
