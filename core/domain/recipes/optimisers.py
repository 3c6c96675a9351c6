"""How a step is made of a gradient."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.domain.recipes.numbers import Beta, Decay
from core.domain.values import Frozen

Kind = Literal["adam", "sgd", "rmsprop", "ranger", "lamb"]


class Optimiser(Frozen):
    """One of fastai's optimisers; what is None is fastai's default for it."""

    kind: Kind = "adam"
    mom: Beta | None = None  # where the schedule does not move it
    sqr_mom: Beta | None = None
    eps: Annotated[float, Field(gt=0, le=1)] | None = None
    wd: Decay | None = None
    decouple_wd: bool = True  # weight decay apart from the gradient (AdamW); else L2

    @model_validator(mode="after")
    def _knows_its_fields(self) -> "Optimiser":
        if self.kind == "sgd" and (self.sqr_mom is not None or self.eps is not None):
            raise ValueError("sgd has neither sqr_mom nor eps: leave them out")
        return self
