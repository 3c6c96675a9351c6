"""How images are cut, varied, mixed and normalised."""

from typing import Annotated, Literal

from pydantic import Field

from core.domain.recipes.numbers import Probability
from core.domain.values import Frozen

ResizeMethod = Literal["crop", "pad", "squish"]
"""fastai's `ResizeMethod`: cut the longer side, fill the shorter one up, or change the shape."""

Normalisation = Literal["imagenet", "dataset", "none"]


class Augmentation(Frozen):
    """The strengths of fastai's `aug_transforms` and `RandomErasing`; the defaults are its own."""

    flip: bool = True
    flip_vert: bool = False  # all flips and right angles
    max_rotate: Annotated[float, Field(ge=0, le=180)] = 10.0  # degrees
    max_zoom: Annotated[float, Field(ge=1, le=3)] = 1.1
    max_warp: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    max_lighting: Annotated[float, Field(ge=0, le=0.9)] = 0.2
    p_affine: Probability = 0.75
    p_lighting: Probability = 0.75
    min_scale: Annotated[float, Field(gt=0, le=1)] = 1.0  # below 1: random resized crops
    p_erase: Probability = 0.0  # above 0: random erasing (arXiv:1708.04896)
    max_erased: Annotated[float, Field(gt=0, le=0.9)] = 0.3  # share of the area, at most


SIDE_ON = Augmentation()
"""Photos: left and right may be swapped, up and down may not."""

TOP_DOWN = Augmentation(flip_vert=True, max_warp=0)
"""Satellite, microscopy: no side is up, and nothing is seen in perspective."""

NO_AUGMENTATION = Augmentation(
    flip=False,
    max_rotate=0,
    max_zoom=1,
    max_warp=0,
    max_lighting=0,
    p_affine=0,
    p_lighting=0,
)


class Mix(Frozen):
    """Blend pairs of images and their labels: mixup (arXiv:1710.09412), cutmix (1905.04899)."""

    kind: Literal["mixup", "cutmix"] = "mixup"
    alpha: Annotated[float, Field(gt=0, le=10)] = 0.4  # fastai's defaults: mixup 0.4, cutmix 1
