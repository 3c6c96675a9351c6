"""Rows of `runs` and `tasks` as values."""

from typing import Any

import sqlalchemy as sa

from core.domain.plans import Subset
from core.domain.recipes import Recipe
from core.domain.runs import Progress, Run, Task

SHARED = (
    "id",
    "dataset_id",
    "status",
    "stop_requested",
    "message",
    "error",
    "hint",
    "created_at",
    "started_at",
    "finished_at",
)


def progress(row: sa.RowMapping) -> Progress:
    """Read how far a job is."""
    return Progress(
        done=row["progress_done"],
        total=row["progress_total"],
        rate=row["progress_rate"],
        remaining_seconds=row["remaining_seconds"],
    )


def run(row: sa.RowMapping) -> Run:
    """Read a run."""
    plain = (
        "name",
        "revision",
        "split_id",
        "seed",
        "code_version",
        "retrain_of",
        "fingerprint",
        "n_train",
        "n_valid",
        "begins_from",
        "experiment_id",
        "arm",
        "wish",
        "n_continued",
        "seconds_before",
    )
    return Run(
        **_pick(row, (*SHARED, *plain)),
        progress=progress(row),
        subset=Subset.model_validate(row["subset"]),
        recipe=Recipe.model_validate(row["recipe"]),
        environment=row["environment"] or {},
        metrics=row["metrics"] or {},
    )


def task(row: sa.RowMapping) -> Task:
    """Read a task."""
    return Task(
        **_pick(row, (*SHARED, "kind", "run_id", "params")),
        progress=progress(row),
        result=row["result"] or {},
    )


def _pick(row: sa.RowMapping, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}
