"""What must hold of a subset before anything trains on it."""

from collections.abc import Iterable

from core.domain.errors import RecipeError
from core.domain.plans import Subset

MOST_NAMED = 3


def check_classes(subset: Subset, present: Iterable[str]) -> None:
    """Raise RecipeError where a chosen class has no images in use, as after relabelling all.

    `present` are the classes that the chosen items still have.
    """
    chosen = subset.classes or ()
    missing = sorted(set(chosen) - set(present))
    if missing:
        raise RecipeError(
            f"The plan is for {len(chosen)} classes, and no images of {named(missing)} are in use "
            "any more.",
            hint="They may have been relabelled or excluded. Choose the classes again on the "
            "batches page, or undo those edits.",
        )


def named(classes: Iterable[str]) -> str:
    """Name the first few of some classes, and count the others."""
    all_names = list(classes)
    first = ", ".join(all_names[:MOST_NAMED])
    n_more = len(all_names) - MOST_NAMED
    return f"{first} and {n_more} more" if n_more > 0 else first
