"""All that decides a training: the recipe, its stages, and everything around them.

Every field has a default that fastai would take, so a recipe that was stored before a field was
added reads as it was trained.
"""

from core.domain.recipes.augmentation import (
    NO_AUGMENTATION,
    SIDE_ON,
    TOP_DOWN,
    Augmentation,
    Mix,
    Normalisation,
    ResizeMethod,
)
from core.domain.recipes.losses import (
    BinaryCrossEntropy,
    ClassWeighted,
    CrossEntropy,
    Focal,
    LabelSmoothing,
    Loss,
)
from core.domain.recipes.measures import (
    MULTI_LABEL_METRICS,
    SINGLE_LABEL_METRICS,
    EarlyStopping,
    KeepBest,
    Metric,
    Tracking,
    Tta,
)
from core.domain.recipes.numbers import MOST_RATE, Probability, Rate, SizePx
from core.domain.recipes.optimisers import Optimiser
from core.domain.recipes.rates import Auto, Discriminative, LearningRate
from core.domain.recipes.recipe import Recipe
from core.domain.recipes.schedules import Constant, FlatCos, OneCycle, Schedule, Sgdr
from core.domain.recipes.stages import Momentum, Stage, Trainable, trained_in_words

__all__ = [
    "MOST_RATE",
    "MULTI_LABEL_METRICS",
    "NO_AUGMENTATION",
    "SIDE_ON",
    "SINGLE_LABEL_METRICS",
    "TOP_DOWN",
    "Augmentation",
    "Auto",
    "BinaryCrossEntropy",
    "ClassWeighted",
    "Constant",
    "CrossEntropy",
    "Discriminative",
    "EarlyStopping",
    "FlatCos",
    "Focal",
    "KeepBest",
    "LabelSmoothing",
    "LearningRate",
    "Loss",
    "Metric",
    "Mix",
    "Momentum",
    "Normalisation",
    "OneCycle",
    "Optimiser",
    "Probability",
    "Rate",
    "Recipe",
    "ResizeMethod",
    "Schedule",
    "Sgdr",
    "SizePx",
    "Stage",
    "Tracking",
    "Trainable",
    "Tta",
    "trained_in_words",
]
