"""The base of all checked values."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A pydantic model that cannot change after it was checked and refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
