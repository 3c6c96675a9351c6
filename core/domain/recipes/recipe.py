"""The recipe: all that decides a training, but for the data and the seed."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from core.domain import archs
from core.domain.recipes.augmentation import Augmentation, Mix, Normalisation, ResizeMethod
from core.domain.recipes.losses import CrossEntropy, Loss
from core.domain.recipes.measures import EarlyStopping, KeepBest, Metric, Tracking, Tta
from core.domain.recipes.numbers import BatchSize, Probability, SizePx
from core.domain.recipes.optimisers import Optimiser
from core.domain.recipes.stages import Stage
from core.domain.values import Frozen


class Recipe(Frozen):
    """All that decides a training, but for the data and the seed."""

    name: str = Field(min_length=1, max_length=80)
    arch: str
    pretrained: bool = True
    head_dropout: Probability | None = None  # None: fastai's 0.5, or an xresnet's own 0
    concat_pool: bool = True  # max and average pooling before the head, as fastai's
    train_bn: bool = True  # batch norm layers of a frozen body are trained, as fastai's
    presize_px: SizePx = 460  # the item transform: fastai's `Resize`
    resize: ResizeMethod = "crop"
    size_px: SizePx = 224  # the batch transform's output: what the network sees
    batch_size: BatchSize = 64
    normalisation: Normalisation = "imagenet"
    augmentation: Augmentation = Augmentation()
    mix: Mix | None = None
    loss: Loss = CrossEntropy()
    optimiser: Optimiser = Optimiser()
    grad_clip: Annotated[float, Field(gt=0, le=1000)] | None = None  # the gradient's norm, at most
    accumulate: Annotated[int, Field(ge=2, le=65536)] | None = None  # images a step; None: a batch
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    memory_format: Literal["contiguous", "channels_last"] = "contiguous"
    input: Literal["exact", "draft"] = "exact"  # draft: large JPEGs are decoded at a lower scale
    when_out_of_memory: Literal["fail", "halve"] = "fail"
    n_devices: Annotated[int, Field(ge=1, le=64)] = 1  # processes that share each batch's work
    n_workers: Annotated[int, Field(ge=0, le=64)] = (
        0  # loader processes; part of the random stream
    )
    feature_views: Annotated[int, Field(ge=1, le=16)] = 1  # cached views an image, the first plain
    metrics: tuple[Metric, ...] = ()  # besides the loss; (): the usual ones for the data
    top_k: Annotated[int, Field(ge=2, le=100)] = 5
    keep_best: KeepBest | None = None
    early_stopping: EarlyStopping | None = None
    tta: Tta | None = None  # predictions on valid with test-time augmentation, at the end
    tracking: Tracking = Tracking()
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _known_arch(self) -> "Recipe":
        arch = archs.find(self.arch)
        if arch is None:
            raise ValueError(
                f"the network {self.arch!r} is not one of those on offer, nor timm:NAME"
            )
        if self.pretrained and not arch.is_pretrained:
            raise ValueError(f"{self.arch} has no pretrained weights: train it from scratch")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> "Recipe":
        largest = max(self.size_of(stage) for stage in self.stages)
        if largest > self.presize_px:
            raise ValueError(
                f"the train size {largest} px is above the presize {self.presize_px} px"
            )
        return self

    @model_validator(mode="after")
    def _features_first(self) -> "Recipe":
        trained = [stage.train == "features" for stage in self.stages]
        if trained != sorted(trained, reverse=True):
            raise ValueError(
                "stages on cached features come first: later, the body is no longer the one "
                "whose activations are cached"
            )
        return self

    @model_validator(mode="after")
    def _steps_are_whole(self) -> "Recipe":
        if self.accumulate is None:
            return self
        for size in map(self.batch_size_of, self.stages):
            if self.accumulate % size:  # fastai divides by it, whatever whole batches make
                raise ValueError(
                    f"a step of {self.accumulate} images is no multiple of the batch size {size}"
                )
        return self

    @property
    def n_epochs(self) -> PositiveInt:
        """Count the epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def size_of(self, stage: Stage) -> int:
        """Give the train size of a stage, in pixels."""
        return stage.size_px or self.size_px

    def batch_size_of(self, stage: Stage) -> int:
        """Give the images a batch of a stage."""
        return stage.batch_size or self.batch_size
