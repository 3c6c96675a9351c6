"""Recipes, their stages and subsets in words."""

from core.domain.plans import Subset
from core.domain.recipes import Discriminative, Recipe, Stage
from pages.parts import text

MOST_CLASSES = 5
MOST_LETTERS = 32
TRAINED = {"head": "the head", "all": "all layers"}


def rate(lr: float) -> str:
    """Write a rate with two digits that count: `2e-3`, `1.5e-5`."""
    mantissa, exponent = f"{lr:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def rates(lr: float | Discriminative) -> str:
    """Write a rate, or the spread from the first layers to the head."""
    if not isinstance(lr, Discriminative):
        return rate(lr)
    if lr.low is None:
        return rate(lr.high)
    return f"{rate(lr.low)} at the first layers to {rate(lr.high)} at the head"


def stage(found: Stage) -> str:
    """Say in one sentence what a stage does."""
    epochs = "1 epoch" if found.epochs == 1 else f"{found.epochs} epochs"
    warm = round(100 * found.schedule.pct_start)
    return (
        f"Train {TRAINED[found.train]} for {epochs}: the rate rises to {rates(found.lr)} over the "
        f"first {warm} % of the batches, then falls to almost nothing."
    )


def recipe(found: Recipe) -> str:
    """Name a recipe with its network and size."""
    start = "pretrained" if found.pretrained else "from scratch"
    return f"{found.name}: {found.arch} {start}, {found.size_px} px, {found.n_epochs} epochs"


def subset(found: Subset) -> str:
    """Say what a run takes of its dataset: `25 train images a class of 2 classes (cat, dog)`."""
    number = f"{found.per_class:,}" if found.per_class else "all"
    return f"{number} train images a class of {_classes(found.classes)}"


def _classes(chosen: tuple[str, ...] | None) -> str:
    if chosen is None:
        return "all classes"
    first = ", ".join(text.shorten(name, MOST_LETTERS) for name in chosen[:MOST_CLASSES])
    n_more = len(chosen) - MOST_CLASSES
    return f"{len(chosen)} classes ({first}{f' and {n_more} more' if n_more > 0 else ''})"
