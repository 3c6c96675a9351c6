"""Values that a person gave, checked: what pydantic finds becomes a sentence."""

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.domain.errors import RecipeError

Model = TypeVar("Model", bound=BaseModel)
FIELD = re.compile(r"[a-z][a-z0-9_]*")
TYPES = {"float", "int", "str", "bool", "tuple", "list", "dict"}
"""What pydantic adds to a place to tell the kinds of a field apart."""


def checked(model: type[Model], values: Mapping[str, object]) -> Model:
    """Make a value, or raise RecipeError with the field and the reason."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RecipeError(_sentence(error), hint="Nothing was changed.") from error


def _sentence(error: ValidationError) -> str:
    found = max(error.errors(include_url=False, include_context=False), key=_telling)
    place = _place(found)
    if found["type"] == "extra_forbidden":
        return f"A recipe has no field {place}."
    if found["type"] == "missing":
        return f"The field {place} is missing."
    said = found["msg"].removeprefix("Value error, ")
    return f"{place}: {said}." if place else f"{said[0].upper()}{said[1:]}."


def _telling(error: ErrorDetails) -> tuple[int, bool]:
    """Rank errors: where a value may be of several kinds, the deepest is of the kind it has."""
    return len(error["loc"]), error["type"] != "extra_forbidden"


def _place(error: ErrorDetails) -> str:
    """Name a field as a dotted path; the last part is given as it was written."""
    *inner, last = error["loc"] or ("",)
    if error["type"] != "extra_forbidden" and not _is_field(last):
        last = ""
    named = [str(part) for part in inner if _is_field(part)]
    return ".".join([*named, *([str(last)] if last != "" else [])])


def _is_field(part: int | str) -> bool:
    if isinstance(part, int):
        return True
    return FIELD.fullmatch(part) is not None and part not in TYPES
