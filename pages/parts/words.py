"""Recipes and their stages in words."""

from core.domain.recipes import Discriminative, Recipe, Stage

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
