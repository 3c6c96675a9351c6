"""The recipes on offer: functions that return a checked recipe."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from core.domain.recipes import (
    NO_AUGMENTATION,
    TOP_DOWN,
    Augmentation,
    Auto,
    BinaryCrossEntropy,
    Constant,
    Discriminative,
    LabelSmoothing,
    Mix,
    OneCycle,
    Recipe,
    Sgdr,
    Stage,
    Tta,
)

DEFAULT_ARCH = "resnet34"


def fine_tune(*, epochs: int = 4, lr: float = 2e-3, arch: str = DEFAULT_ARCH) -> Recipe:
    """Train the head for one epoch, then all layers with lower rates for the body.

    Source: fastai's `Learner.fine_tune(epochs, base_lr=lr)`, whose two fits these are.

    Measured: valid accuracy 0.777 ± 0.004 in 206 CPU-seconds, on 1,461 clothing photos
    (117 train images a class, squeezenet1_0, 128 px, three seeds, 2026-11-24); see docs/log.md.
    """
    return Recipe(name="Fine-tune", arch=arch, stages=_fine_tuning(epochs=epochs, lr=lr))


def baseline(*, epochs: int = 10, lr: float = 3e-3, arch: str = DEFAULT_ARCH) -> Recipe:
    """Train the head for n epochs, then all layers for n epochs, one-cycle each.

    The rates of the second half spread from a hundredth of its top at the first layers to the top
    at the head.

    Source: chapter 5 of the fastai book, which does the same with `slice(1e-6, 1e-4)`.

    Measured: valid accuracy 0.801 ± 0.021 in 723 CPU-seconds, on 1,461 clothing photos
    (117 train images a class, squeezenet1_0, 128 px, three seeds, 2026-11-24); see docs/log.md.
    """
    frozen = Stage(train="head", epochs=epochs, lr=lr)
    unfrozen = Stage(train="all", epochs=epochs, lr=Discriminative(low=1e-6, high=1e-4))
    return Recipe(name="Baseline", arch=arch, stages=(frozen, unfrozen))


def lesson_2(*, arch: str = DEFAULT_ARCH) -> Recipe:
    """Go through the eight steps of the course's second lesson.

    Steps 1 to 3, the first stage: features are computed once, the rate finder finds a rate, and
    the head is trained on them, at a constant rate as in 0.7. Step 4, the second stage: the head
    with augmentation, three cycles of one epoch. Steps 5 to 8, the third: all layers unfrozen, the
    rate finder again, each group at a third of the next one's rate (the lesson says a tenth to a
    third), cycles of 1, 2 and 4 epochs. At the end, test-time augmentation. The optimiser is the
    Adam of today's fastai, not the SGD of 0.7, so the rates are found anew in every stage.

    Source: fastai 0.7 and its course of 2018, lesson 2.

    Measured: valid accuracy 0.795 ± 0.003, 0.812 ± 0.003 with its TTA, on 1,461 clothing photos
    (117 train images a class, squeezenet1_0, 128 px, three seeds, 2026-11-24); see docs/log.md.
    """
    return Recipe(
        name="Lesson 2",
        arch=arch,
        tta=Tta(),
        stages=(
            Stage(train="features", epochs=2, lr=Auto(), schedule=Constant()),
            Stage(train="head", epochs=3, lr=Auto(), schedule=Sgdr(cycle_mult=1)),
            Stage(train="all", epochs=7, lr=Auto(spread=9), schedule=Sgdr()),
        ),
    )


def progressive_resizing(*, epochs: int = 5, lr: float = 1e-3, arch: str = "xresnet50") -> Recipe:
    """Train on small images first, then fine-tune on large ones, with fewer of them a batch.

    Source: chapter 7 of the fastai book: `fit_one_cycle(4, 3e-3)` at 128 px, then
    `fine_tune(5, 1e-3)` at 224 px, from scratch on Imagenette.

    Measured: nothing yet.
    """
    small = Stage(train="all", epochs=4, lr=3e-3, size_px=128, batch_size=128)
    large = tuple(
        stage.model_copy(update={"size_px": 224, "batch_size": 64})
        for stage in _fine_tuning(epochs=epochs, lr=lr)
    )
    return Recipe(
        name="Progressive resizing",
        arch=arch,
        pretrained=False,
        augmentation=Augmentation(min_scale=0.75),
        stages=(small, *large),
    )


def from_scratch(*, epochs: int = 8, lr: float = 4e-3, arch: str = "xresnet18") -> Recipe:
    """Train all layers from random weights: needs no download, but more images and epochs.

    Source: fastai's xresnet, in a size that a CPU can train.

    Measured: see docs/log.md, for the sample.
    """
    stage = Stage(train="all", epochs=epochs, lr=lr)
    return Recipe(
        name="From scratch",
        arch=arch,
        pretrained=False,
        presize_px=192,
        size_px=128,
        stages=(stage,),
    )


def from_scratch_imagenette(*, epochs: int = 80, lr: float = 3e-3) -> Recipe:
    """Train a large network from random weights, with label smoothing and mixup.

    Source: chapter 7 of the fastai book, on Imagenette; mixup pays after about 80 epochs there.

    Measured: nothing yet.
    """
    return Recipe(
        name="From scratch, Imagenette",
        arch="xresnet50",
        pretrained=False,
        augmentation=Augmentation(min_scale=0.75),
        mix=Mix(),
        loss=LabelSmoothing(),
        stages=(Stage(train="all", epochs=epochs, lr=lr),),
    )


def features_only(*, epochs: int = 20, lr: float = 3e-3, arch: str = DEFAULT_ARCH) -> Recipe:
    """Train the head alone on the body's activations, which are computed once and kept.

    Source: fastai 0.7, `precompute=True`.

    Measured: valid accuracy 0.773 ± 0.004 in 35 CPU-seconds, on 1,461 clothing photos
    (117 train images a class, squeezenet1_0, 128 px, three seeds, 2026-11-24); see docs/log.md.
    """
    return Recipe(
        name="Features only",
        arch=arch,
        augmentation=NO_AUGMENTATION,
        stages=(Stage(train="features", epochs=epochs, lr=lr),),
    )


def satellite(*, epochs: int = 5, lr: float = 1e-2, arch: str = DEFAULT_ARCH) -> Recipe:
    """Train on pictures from above with several labels each, at 64, then 128, then 256 px.

    At each size the head is trained, then all layers; beyond the first size at half the rate.

    Source: fastai's *planet* notebooks: the sizes of the 0.7 course; augmentation, threshold and
    the two fits a size of the v1 course (lesson 3).

    Measured: nothing yet.
    """
    stages = []
    for size_px, top in ((64, lr), (128, lr / 2), (256, lr / 2)):
        body = Discriminative(low=1e-5, high=top / 5)
        stages.append(Stage(train="head", epochs=epochs, lr=top, size_px=size_px))
        stages.append(Stage(train="all", epochs=epochs, lr=body, size_px=size_px))
    return Recipe(
        name="Satellite, multi-label",
        arch=arch,
        presize_px=384,
        size_px=256,
        augmentation=TOP_DOWN.model_copy(update={"max_zoom": 1.05, "max_lighting": 0.1}),
        loss=BinaryCrossEntropy(threshold=0.2),
        metrics=("accuracy_multi", "f2_samples"),
        tta=Tta(),
        stages=tuple(stages),
    )


def for_the_sample() -> Recipe:
    """Train the digits sample: from scratch at 64 px, without flips, which turn a digit into none.

    Measured: see docs/log.md.
    """
    base = from_scratch()
    changes = {
        "presize_px": 64,
        "size_px": 64,
        "batch_size": 32,
        "augmentation": Augmentation(flip=False),
    }
    return Recipe.model_validate({**base.model_dump(), **changes})


def _fine_tuning(*, epochs: int, lr: float) -> tuple[Stage, Stage]:
    """Give the two fits of fastai's `fine_tune`."""
    frozen = Stage(
        train="head", epochs=1, lr=Discriminative(high=lr), schedule=OneCycle(pct_start=0.99)
    )
    unfrozen = Stage(
        train="all",
        epochs=epochs,
        lr=Discriminative(low=lr / 200, high=lr / 2),
        schedule=OneCycle(pct_start=0.3, div=5.0),
    )
    return frozen, unfrozen


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A recipe in the library, with what a person should know before choosing it."""

    name: str
    make: Callable[..., Recipe]
    about: str

    @property
    def source(self) -> str:
        """Say where the recipe comes from."""
        return _paragraph(self.make, "Source: ")

    @property
    def measured(self) -> str:
        """Say what was measured with it here."""
        return _paragraph(self.make, "Measured: ")


def _paragraph(function: Callable[..., Recipe], start: str) -> str:
    """Read what a docstring says, so that it is said once."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    found = [" ".join(one.split()) for one in paragraphs if one.startswith(start)]
    return found[0].removeprefix(start) if found else ""


LIBRARY: tuple[Offer, ...] = (
    Offer(
        name="Fine-tune",
        make=fine_tune,
        about="One epoch for the new head, then all layers. The usual first choice.",
    ),
    Offer(
        name="Baseline",
        make=baseline,
        about="As many epochs frozen as unfrozen: two equal halves, easy to compare between runs.",
    ),
    Offer(
        name="Lesson 2",
        make=lesson_2,
        about="The eight steps of fastai's course: it finds its rates itself, warms up on cached "
        "features, and restarts the rate cycle after cycle.",
    ),
    Offer(
        name="Progressive resizing",
        make=progressive_resizing,
        about="Small images first, large ones last: quicker, and a kind of augmentation.",
    ),
    Offer(
        name="From scratch",
        make=from_scratch,
        about="No pretrained weights. For images unlike photos, or where no weights can be had.",
    ),
    Offer(
        name="From scratch, Imagenette",
        make=from_scratch_imagenette,
        about="A large network without pretrained weights, for many images and a GPU.",
    ),
    Offer(
        name="Features only",
        make=features_only,
        about="One pass through the body, then epochs in seconds: the quickest first answer.",
    ),
    Offer(
        name="Satellite, multi-label",
        make=satellite,
        about="Pictures from above with several labels each, at growing sizes.",
    ),
)


def offer(name: str) -> Offer:
    """Find the offer that a recipe began as; a renamed recipe counts as fine-tune."""
    return next((found for found in LIBRARY if found.name == name), LIBRARY[0])
