"""A run and its measurements, as pages and review see them."""

from dataclasses import dataclass, field
from typing import Any

from core.domain.jobs import RunStatus, Wish
from core.domain.plans import Subset
from core.domain.recipes import Recipe


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a process is: in batches for a run, in files or points for a task."""

    done: int
    total: int | None
    rate: float | None  # per second: images for a run, files or points for a task
    remaining_seconds: float | None


CONTROLS = frozenset({"before", "random"})
"""The arms of an experiment that no model is wanted of: data before the edits, or less of it."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of a recipe with a seed; everything that describes it, and how it went."""

    id: str
    name: str
    dataset_id: str
    revision: int
    split_id: str
    subset: Subset
    recipe: Recipe
    seed: int
    code_version: str
    retrain_of: str | None
    status: RunStatus
    stop_requested: bool
    progress: Progress
    message: str
    error: str | None
    hint: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    fingerprint: str | None = None  # known once the worker has begun
    environment: dict[str, Any] = field(default_factory=dict)
    n_train: int | None = None
    n_valid: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)  # of the weights that were kept
    begins_from: str | None = None  # the run whose weights it began with
    experiment_id: str | None = None  # the experiment that it was made for
    arm: str | None = None  # and which of the compared conditions it is there
    wish: Wish | None = None
    n_continued: int = 0
    seconds_before: float = 0.0  # worked before it was continued

    @property
    def is_control(self) -> bool:
        """Say whether it only stands for what cleaned data is compared with."""
        return self.arm in CONTROLS


@dataclass(frozen=True, kw_only=True)
class Task:
    """Any other work over 100 ms."""

    id: str
    kind: str
    dataset_id: str | None
    run_id: str | None
    params: dict[str, Any]
    result: dict[str, Any]
    status: RunStatus
    stop_requested: bool
    progress: Progress
    message: str
    error: str | None
    hint: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """The measurements at the end of one epoch; `epoch` counts from 0 over all stages."""

    epoch: int
    stage: int
    last_step: int
    train_loss: float
    valid_loss: float
    metrics: dict[str, float]
    seconds: float
    images_per_second: float


@dataclass(frozen=True, kw_only=True)
class StageInfo:
    """What one stage trains: numbers of parameters, counted in the built model."""

    stage: int
    n_params: int
    n_params_trained: int
    n_batches: int  # an epoch
    lr_find: dict[str, Any] | None = None  # of an automatic rate: points, suggestions, chosen
    note: str | None = None  # what was done otherwise than the recipe says, and why


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A rate that fastai reads off a range test's curve, or why it cannot."""

    name: str
    lr: float | None
    loss: float | None
    about: str
    why_not: str | None
