"""Recipes, their stages and subsets in words."""

from core.domain.plans import Subset
from core.domain.recipes import (
    Auto,
    Constant,
    Discriminative,
    FlatCos,
    LearningRate,
    OneCycle,
    Recipe,
    Schedule,
    Sgdr,
    Stage,
    trained_in_words,
)
from pages.parts import text

MOST_CLASSES = 5
MOST_LETTERS = 32


def rate(lr: float) -> str:
    """Write a rate with two digits that count: `2e-3`, `1.5e-5`."""
    mantissa, exponent = f"{lr:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def rates(lr: LearningRate) -> str:
    """Write a rate, the spread from the first layers to the head, or how it will be found."""
    if isinstance(lr, Auto):
        spread = f", the first layers at 1/{lr.spread:g} of it" if lr.spread > 1 else ""
        return f"what a range test suggests ({lr.suggestion}{spread})"
    if not isinstance(lr, Discriminative):
        return rate(lr)
    if lr.low is None:
        return rate(lr.high)
    return f"{rate(lr.low)} at the first layers to {rate(lr.high)} at the head"


def stage(found: Stage) -> str:
    """Say in one sentence what a stage does."""
    return (
        f"Train {trained_in_words(found.train)} for {text.count(found.epochs, 'epoch')}: "
        f"{schedule(found.schedule, rates(found.lr))}{_own(found)}."
    )


def schedule(found: Schedule, reached: str) -> str:
    """Say how the rate moves, `reached` being the highest in words."""
    match found:
        case OneCycle():
            return (
                f"the rate rises to {reached} over the first {found.pct_start:.0%} of the batches"
                ", then falls to almost nothing"
            )
        case FlatCos():
            return (
                f"the rate stays at {reached} for the first {found.pct_start:.0%} of the batches"
                ", then falls along a cosine"
            )
        case Sgdr():
            return f"the rate falls from {reached} along a cosine, {_cycles(found.cycle_epochs)}"
        case Constant():
            return f"the rate stays at {reached}"


def _cycles(epochs: tuple[int, ...]) -> str:
    if len(epochs) == 1:
        return "in one cycle"
    if len(set(epochs)) == 1:
        return f"{len(epochs)} times anew, {text.count(epochs[0], 'epoch')} each"
    listed = ", ".join(str(one) for one in epochs[:5])
    more = " …" if len(epochs) > 5 else ""
    return f"{len(epochs)} times anew, for {listed}{more} epochs"


def _own(found: Stage) -> str:
    """Say what the stage does not take from the recipe."""
    own = []
    if found.size_px is not None:
        own.append(f"at {found.size_px} px")
    if found.batch_size is not None:
        own.append(f"with {found.batch_size} images a batch")
    if found.wd is not None:
        own.append(f"with a weight decay of {found.wd:g}")
    if isinstance(found.momentum, tuple):
        own.append(f"with a momentum of {', '.join(f'{one:g}' for one in found.momentum)}")
    elif found.momentum is not None:
        own.append(f"with a momentum of {found.momentum:g}")
    return f"; {', '.join(own)}" if own else ""


def recipe(found: Recipe) -> str:
    """Name a recipe with its network and size."""
    start = "pretrained" if found.pretrained else "from scratch"
    sizes = list(dict.fromkeys(found.size_of(stage) for stage in found.stages))
    px = " → ".join(str(size) for size in sizes)
    epochs = text.count(found.n_epochs, "epoch")
    return f"{found.name}: {found.arch} {start}, {px} px, {epochs}"


def subset(found: Subset) -> str:
    """Say what a run takes of its dataset: `25 train images a class of 2 classes (cat, dog)`."""
    number = "all train images"
    if found.per_class is not None:
        which = ", the first by rank," if found.by_rank else ""
        number = f"{found.per_class:,} train images a class{which}"
    removal = found.without
    less = f", {removal.n:,} train images removed at random" if removal is not None else ""
    return f"{number} of {_classes(found.classes)}{less}"


def _classes(chosen: tuple[str, ...] | None) -> str:
    if chosen is None:
        return "all classes"
    first = ", ".join(text.shorten(name, MOST_LETTERS) for name in chosen[:MOST_CLASSES])
    n_more = len(chosen) - MOST_CLASSES
    return f"{len(chosen)} classes ({first}{f' and {n_more} more' if n_more > 0 else ''})"
