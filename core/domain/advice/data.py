"""Rules about the images: how many there are, and how they are cut and mixed."""

from collections.abc import Iterator

from core.domain.advice.values import Advice, Facts, Rule, refused, warning
from core.domain.recipes import ClassWeighted, Recipe

LEAST_CLASSES = 2  # also where an image may have several labels, or none
PRESIZE_RATIO = 1.5
SMALLEST_PRESIZED_PX = 96  # below, images are as a rule not larger themselves
EPOCHS_FOR_MIXING = 20


def _parts(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    if facts.n_classes < LEAST_CLASSES:
        used = "is 1 class" if facts.n_classes == 1 else f"are {facts.n_classes} classes"
        yield refused(
            "classes",
            f"A classifier needs images of at least two classes, and there {used} in use.",
            "Label or add images, or choose the classes again.",
        )
    if facts.n_valid == 0:
        yield refused(
            "split",
            "There are no valid images, so nothing could be measured.",
            "Choose another split, or include images of it again.",
        )


def _batches(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    sizes = [(f"stages.{n}.batch_size", s.batch_size) for n, s in enumerate(recipe.stages)]
    if not all(size for _, size in sizes):
        sizes = [("batch_size", recipe.batch_size), *sizes]
    for field, size in sizes:
        if size is None:
            continue
        if size > facts.n_train:
            yield refused(
                field,
                f"The batch size {size} is above the number of train images ({facts.n_train}).",
                "Take a smaller batch size, or more images.",
            )
        elif size * 2 > facts.n_train:
            yield warning(
                field,
                f"With {facts.n_train} train images and the batch size {size} an epoch is a "
                "single batch.",
                "Take a smaller batch size: a schedule needs batches to move over.",
            )


def _accumulation(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    if recipe.accumulate is not None and recipe.accumulate > facts.n_train:
        yield warning(
            "accumulate",
            f"A step of {recipe.accumulate} images takes more than one epoch of "
            f"{facts.n_train} train images.",
            "Gather fewer images a step.",
        )


def _presize(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    shape = recipe.augmentation
    moves = shape.max_rotate > 0 or shape.max_zoom > 1 or shape.max_warp > 0
    largest = max(recipe.size_of(stage) for stage in recipe.stages)
    if not (moves and shape.p_affine > 0 and largest >= SMALLEST_PRESIZED_PX):
        return
    if recipe.presize_px < PRESIZE_RATIO * largest:
        yield warning(
            "presize_px",
            f"The presize {recipe.presize_px} px leaves little room around the train size "
            f"{largest} px: rotated and warped images will show mirrored borders.",
            f"Take a presize of {round(PRESIZE_RATIO * largest)} px or more.",
        )


def _mixing(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    if recipe.mix is not None and recipe.n_epochs < EPOCHS_FOR_MIXING:
        yield warning(
            "mix",
            f"{recipe.mix.kind} needs many epochs before it pays, and the recipe has "
            f"{recipe.n_epochs}.",
            f"Train for {EPOCHS_FOR_MIXING} epochs or more, or do without it.",
        )


def _class_weights(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    if isinstance(recipe.loss, ClassWeighted) and facts.smallest_class == 0:
        yield refused(
            "loss",
            "A class has no train images, so its weight in the loss would be infinite.",
            "Take the class out, add images of it, or choose another loss.",
        )


RULES: tuple[Rule, ...] = (_parts, _batches, _accumulation, _presize, _mixing, _class_weights)
