"""All that decides a training: the recipe, its stages and its augmentation."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from core.domain.archs import ARCHS
from core.domain.values import Frozen

Trainable = Literal["head", "all"]
MOST_RATE = 100.0
Rate = Annotated[float, Field(gt=0, le=MOST_RATE)]
SizePx = Annotated[int, Field(ge=8, le=2048)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Discriminative(Frozen):
    """Rates spread geometrically over the parameter groups, as fastai's `slice(low, high)`.

    Without `low` every group but the head gets a tenth of `high`, as fastai's `slice(high)`.
    """

    low: Rate | None = None
    high: Rate

    @model_validator(mode="after")
    def _rising(self) -> "Discriminative":
        if self.low is not None and self.low > self.high:
            raise ValueError(f"the body's rate {self.low:g} is above the head's {self.high:g}")
        return self


class OneCycle(Frozen):
    """Warm up to the rate, then anneal; momentum moves the other way (Smith, arXiv:1803.09820)."""

    kind: Literal["one_cycle"] = "one_cycle"
    pct_start: Annotated[float, Field(gt=0, lt=1)] = 0.25  # the share of batches that warm up
    div: Annotated[float, Field(ge=1)] = 25.0  # the first rate is the rate / div
    div_final: Annotated[float, Field(ge=1)] = 1e5  # the last rate is the rate / div_final


Schedule = OneCycle


class Stage(Frozen):
    """One fit inside a recipe: what is trained, how long, and how fast."""

    train: Trainable = "all"
    epochs: Annotated[int, Field(ge=1, le=1000)]
    lr: Rate | Discriminative
    schedule: Schedule = OneCycle()


class Augmentation(Frozen):
    """The strengths of fastai's `aug_transforms`; the defaults are fastai's."""

    flip: bool = True
    flip_vert: bool = False
    max_rotate: Annotated[float, Field(ge=0, le=180)] = 10.0  # degrees
    max_zoom: Annotated[float, Field(ge=1, le=3)] = 1.1
    max_warp: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    max_lighting: Annotated[float, Field(ge=0, le=0.9)] = 0.2
    p_affine: Probability = 0.75
    p_lighting: Probability = 0.75
    min_scale: Annotated[float, Field(gt=0, le=1)] = 1.0  # below 1: random resized crops


NO_AUGMENTATION = Augmentation(
    flip=False,
    max_rotate=0,
    max_zoom=1,
    max_warp=0,
    max_lighting=0,
    p_affine=0,
    p_lighting=0,
)


class Recipe(Frozen):
    """All that decides a training, but for the data and the seed."""

    name: str = Field(min_length=1, max_length=80)
    arch: str
    pretrained: bool = True
    presize_px: SizePx = 460  # the item transform: fastai's `Resize`
    size_px: SizePx = 224  # the batch transform's output: what the network sees
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 64
    augmentation: Augmentation = Augmentation()
    n_workers: Annotated[int, Field(ge=0, le=64)] = (
        0  # loader processes; part of the random stream
    )
    stages: tuple[Stage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        arch = ARCHS.get(self.arch)
        if arch is None:
            raise ValueError(f"the network {self.arch!r} is not one of {', '.join(ARCHS)}")
        if self.pretrained and arch.weights_file is None:
            raise ValueError(f"{self.arch} has no pretrained weights: train it from scratch")
        if self.size_px > self.presize_px:
            raise ValueError(
                f"the train size {self.size_px} px is above the presize {self.presize_px} px"
            )
        return self

    @property
    def n_epochs(self) -> PositiveInt:
        """Count the epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)
