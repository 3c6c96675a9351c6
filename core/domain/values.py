"""The base of all checked values, and nested ones spread over dotted names."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A pydantic model that cannot change after it was checked and refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Give nested values by their paths, such as `stages.0.epochs`; plain lists stay whole."""
    if isinstance(value, Mapping):
        pairs = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        pairs = [(str(number), inner) for number, inner in enumerate(value)]
    else:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in pairs:
        found |= flat(inner, f"{prefix}.{key}" if prefix else key)
    return found
