"""What a script is written from: a run's description, and what only the run itself found out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain import archs
from core.domain.recipes import BinaryCrossEntropy, Discriminative, Recipe, Stage

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, of values from 0 to 1."""

UNKNOWN_MODE = None


@dataclass(frozen=True, kw_only=True)
class FoundRate:
    """What a range test before a stage has suggested."""

    name: str  # of the suggestion
    lr: float


@dataclass(frozen=True, kw_only=True)
class ScriptFacts:
    """All that decides the numbers of a run, and the names that a reader wants to see."""

    run_name: str
    dataset_name: str
    revision: int
    fingerprint: str
    recipe: Recipe
    seed: int
    classes: tuple[str, ...]
    is_multi: bool  # several labels an image
    statistics: Statistics | None
    class_weights: tuple[float, ...] | None = None  # where the loss weighs classes
    found_rates: Mapping[int, FoundRate] = field(default_factory=dict)  # by stage
    n_stages: int  # that the run has begun
    n_steps: int | None = None  # after which it was stopped; None: it finished
    begins_from: str | None = None  # the name of the run whose weights it begins with
    modes: frozenset[str | None] = frozenset({UNKNOWN_MODE})  # of the images, as Pillow names them
    is_on_cuda: bool = False
    n_threads: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Give the stages that the run has begun."""
        return self.recipe.stages[: self.n_stages]

    @property
    def is_one_hot(self) -> bool:
        """Say whether a target is a 0 or 1 for each class, and not the number of one class."""
        return self.is_multi or isinstance(self.recipe.loss, BinaryCrossEntropy)

    @property
    def threshold(self) -> float:
        """Give the probability above which a class counts as predicted."""
        loss = self.recipe.loss
        return (loss if isinstance(loss, BinaryCrossEntropy) else BinaryCrossEntropy()).threshold

    @property
    def uses_features(self) -> bool:
        """Say whether a stage trains the head on cached features."""
        return any(stage.train == "features" for stage in self.stages)

    @property
    def is_xresnet(self) -> bool:
        """Say whether the network is one of fastai's own."""
        arch = archs.find(self.recipe.arch)
        return arch is not None and arch.library == "xresnet"

    @property
    def n_groups(self) -> int:
        """Count the parameter groups of the network."""
        arch = archs.find(self.recipe.arch)
        return arch.n_groups if arch is not None else 1

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns that the script reads of its list of items."""
        seeded = self.uses_features and self.recipe.feature_views > 1
        return ("path", "label", "part", *(["content_hash"] if seeded else []))

    def rate(self, index: int) -> float | Discriminative:
        """Give the rate that a stage was trained with."""
        lr = self.stages[index].lr
        if isinstance(lr, float | int | Discriminative):
            return lr
        return lr.resolve(self.found_rates[index].lr)
