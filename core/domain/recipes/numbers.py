"""The ranges that numbers of a recipe lie in."""

from typing import Annotated

from pydantic import Field

MOST_RATE = 100.0
Rate = Annotated[float, Field(gt=0, le=MOST_RATE)]
SizePx = Annotated[int, Field(ge=8, le=2048)]
BatchSize = Annotated[int, Field(ge=2, le=4096)]
Probability = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, le=10)]
"""A weight decay."""

Beta = Annotated[float, Field(ge=0, lt=1)]
"""A share of the past in a moving average, such as momentum."""
