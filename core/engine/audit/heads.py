"""Linear heads on features, those of all folds trained at once: one product of matrices a step.

Measured (1,168 photos with 1,024 channels and 10 classes, 2026-11-24, one core of an AMD EPYC):
15 heads take 1.2 CPU seconds. What they are worth is told in `judging`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from core.engine.job import Job

N_STEPS = 60
RATE = 0.3
"""Adam's, falling along a cosine; rows of features have the length 1."""
WEIGHT_DECAY = 3e-4
MOST_ROWS, FEWEST_ROWS, MOST_PRODUCTS = 4096, 512, 4096 * 150
"""Of more items each step takes so many, so that 100,000 take no longer than 4,096."""

Features = NDArray[np.float32]
"""Of shape (items, channels)."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What heads are taught: classes of items, and how much each item counts in each fold."""

    features: Features  # rows of length 1
    targets: NDArray[np.float32]  # (items, classes), 0 or 1
    weights: NDArray[np.float32]  # (folds, items); 0: held out
    judges: NDArray[np.bool_]  # (folds, items): whose word counts in the end
    multi: bool  # a probability a class by itself; else they sum to 1


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the judges of each item say of it, on average; NaN where it has none."""

    probability: NDArray[np.float32]  # (items, classes)
    loss: NDArray[np.float32]  # likewise: of each class, were it the label; with multi, as it is


def prepare(features: Features, teaching: NDArray[np.bool_]) -> Features:
    """Standardise channels as they are among the teaching items; rows then get the length 1."""
    taught = features[teaching]
    centred = (features - taught.mean(axis=0)) / (taught.std(axis=0) + 1e-6)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    prepared: Features = (centred / np.maximum(lengths, 1e-6)).astype(np.float32)
    return prepared


def ask(lesson: Lesson, job: Job) -> Said | None:
    """Teach the heads, and give what they say; always the same of the same lesson.

    None where somebody asked to stop.
    """
    heads = _Heads(lesson)
    optimiser = torch.optim.Adam([heads.weight, heads.bias], lr=RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, N_STEPS)
    draw = torch.Generator().manual_seed(0)
    for _ in range(N_STEPS):
        optimiser.zero_grad()
        heads.loss(heads.draw(draw)).backward()
        optimiser.step()
        falling.step()
        if job.should_stop():
            return None
    return heads.say()


class _Heads:
    """The weights of all heads side by side: (channels, folds * classes)."""

    def __init__(self, lesson: Lesson) -> None:
        self._features = torch.from_numpy(lesson.features)
        self._targets = torch.from_numpy(lesson.targets)
        self._counts = torch.from_numpy(lesson.weights).T  # (items, folds)
        self._judges = torch.from_numpy(lesson.judges).T.float()
        self._multi = lesson.multi
        self._shape = (lesson.weights.shape[0], lesson.targets.shape[1])
        self._n_outputs = self._shape[0] * self._shape[1]
        self.weight = torch.zeros(self._features.shape[1], self._n_outputs, requires_grad=True)
        self.bias = torch.zeros(self._n_outputs, requires_grad=True)

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """Give the positions of the items of one step: all, where they are not too many."""
        most = min(max(MOST_PRODUCTS // self._n_outputs, FEWEST_ROWS), MOST_ROWS)
        if len(self._features) <= most:
            return torch.arange(len(self._features))
        return torch.randperm(len(self._features), generator=generator)[:most]

    def loss(self, rows: torch.Tensor) -> torch.Tensor:
        """Sum the folds' mean losses of some items, and the decay of their weights."""
        counts = self._counts[rows]
        wanted = self._targets[rows].unsqueeze(1)
        each = self._losses(self._scores(rows), wanted)
        each = each.sum(dim=-1) if self._multi else (each * wanted).sum(dim=-1)
        means = (each * counts).sum(dim=0) / counts.sum(dim=0).clamp(min=1e-6)
        return means.sum() + WEIGHT_DECAY / 2 * self.weight.square().sum()

    def say(self) -> Said:
        """Average over the judges of each item."""
        chances, losses = [], []
        with torch.no_grad():
            for rows in torch.arange(len(self._features)).split(FEWEST_ROWS):
                scores, judges = self._scores(rows), self._judges[rows].unsqueeze(-1)
                chance = scores.sigmoid() if self._multi else scores.softmax(dim=-1)
                each = self._losses(scores, self._targets[rows].unsqueeze(1))
                n_judges = judges.sum(dim=1)  # 0 / 0 is NaN, as it should be
                chances.append((chance * judges).sum(dim=1) / n_judges)
                losses.append((each * judges).sum(dim=1) / n_judges)
        return Said(probability=torch.cat(chances).numpy(), loss=torch.cat(losses).numpy())

    def _scores(self, rows: torch.Tensor) -> torch.Tensor:
        return (self._features[rows] @ self.weight + self.bias).view(-1, *self._shape)

    def _losses(self, scores: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Give the loss of each class: with multi as it is wanted, else were it the label."""
        if not self._multi:
            return -scores.log_softmax(dim=-1)
        return functional.binary_cross_entropy_with_logits(
            scores, wanted.expand_as(scores), reduction="none"
        )
