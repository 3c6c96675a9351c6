"""Two recipes, field by field."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.recipes import Recipe


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A field that two recipes do not share; None where one has none, or leaves it open."""

    field: str  # dotted: `stages.1.lr.high`
    left: object
    right: object


def diff(left: Recipe, right: Recipe) -> tuple[Difference, ...]:
    """List the fields in which two recipes differ, in the order of the schema."""
    one, other = dict(_flat(left.model_dump())), dict(_flat(right.model_dump()))
    fields = [*one, *(field for field in other if field not in one)]
    return tuple(
        Difference(field=field, left=one.get(field), right=other.get(field))
        for field in fields
        if one.get(field) != other.get(field)
    )


def _flat(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Give each value with its dotted path; lists of plain values stay whole."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, tuple | list) and any(isinstance(one, dict) for one in value):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{place}.{number}")
    else:
        yield place, value
