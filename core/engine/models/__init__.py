"""From a recipe to fastai's learner; what its stages train, and its parameters counted."""

from core.engine.models.building import architecture, learner, network
from core.engine.models.freezing import count, count_stages, train_only

__all__ = ["architecture", "count", "count_stages", "learner", "network", "train_only"]
