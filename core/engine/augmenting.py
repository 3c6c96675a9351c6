"""How images are cut and varied: fastai's presize, then one composed transform of the batch."""

from typing import Any

from fastai.vision.augment import (
    AffineCoordTfm,
    PadMode,
    RandomErasing,
    Resize,
    aug_transforms,
)

from core.domain.recipes import Augmentation, Recipe


def presize(recipe: Recipe) -> Resize:
    """Make the item transform: it crops, pads (with reflections) or squishes to a square.

    Train images are cut or placed at random, valid images in the middle.
    """
    return Resize(recipe.presize_px, method=recipe.resize)  # a recipe has fastai's own names


def batch_transforms(recipe: Recipe) -> list[Any]:
    """Make the augmentations; they always bring a batch to the size that the network sees."""
    given = recipe.augmentation
    transforms = aug_transforms(
        do_flip=given.flip or given.flip_vert,
        flip_vert=given.flip_vert,
        max_rotate=given.max_rotate,
        max_zoom=given.max_zoom,
        max_lighting=given.max_lighting,
        max_warp=given.max_warp,
        p_affine=given.p_affine,
        p_lighting=given.p_lighting,
        min_scale=given.min_scale,
        size=recipe.size_px,
    )
    resized = [] if _resizes(given) else [_bare_resize(recipe.size_px)]
    return [*resized, *transforms, *_erasing(given)]


def _bare_resize(size_px: int) -> AffineCoordTfm:
    return AffineCoordTfm(size=size_px, pad_mode=PadMode.Reflection, align_corners=True)


def _resizes(given: Augmentation) -> bool:
    flips = given.flip or given.flip_vert
    moves = (flips, given.max_rotate, given.max_warp, given.max_zoom > 1)
    return any(moves) or given.min_scale != 1


def _erasing(given: Augmentation) -> list[RandomErasing]:
    """Make fastai's random erasing, of train batches only; the same rectangle in a whole batch.

    It fills with noise of mean 0 and deviation 1, so fastai's own order puts it after the
    normalisation: without one the noise is stronger than any image.
    """
    if given.p_erase == 0:
        return []
    return [RandomErasing(p=given.p_erase, sh=given.max_erased, max_count=1)]
