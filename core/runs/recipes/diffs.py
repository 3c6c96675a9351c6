"""Two recipes, field by field."""

from dataclasses import dataclass

from core.domain.recipes import Recipe
from core.domain.values import flat


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A field that two recipes do not share; None where one has none, or leaves it open."""

    field: str  # dotted: `stages.1.lr.high`
    left: object
    right: object


def diff(left: Recipe, right: Recipe) -> tuple[Difference, ...]:
    """List the fields in which two recipes differ, in the order of the schema."""
    one, other = flat(left.model_dump()), flat(right.model_dump())
    fields = [*one, *(field for field in other if field not in one)]
    return tuple(
        Difference(field=field, left=one.get(field), right=other.get(field))
        for field in fields
        if one.get(field) != other.get(field)
    )
