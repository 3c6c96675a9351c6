"""Range tests: start one, read its points and suggestions."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.datasets import catalog
from core.domain import durations
from core.domain.jobs import ENDED
from core.domain.plans import Plan
from core.domain.runs import Suggestion, Task
from core.runs import plans, tasks
from core.store import database, ids, schema

FIRST_LR, LAST_LR, N_BATCHES = 1e-7, 10.0, 100
"""fastai's defaults."""


@dataclass(frozen=True, kw_only=True)
class LrFind:
    """A range test: points as (lr, loss, smooth loss), and the suggestions at its end."""

    id: str
    points: tuple[tuple[float, float, float], ...]
    suggestions: tuple[Suggestion, ...]


def start(dataset_id: str, plan: Plan, *, run_id: str | None = None) -> Task:
    """Queue a range test: from the plan's start, or from a run's weights unfrozen.

    Raises RecipeError for what cannot be trained, and for weights that do not fit.
    """
    first = run_id or plan.begins_from
    plans.check(dataset_id, plan.model_copy(update={"begins_from": first}))
    params = {
        "plan": plan.model_dump(mode="json"),
        "revision": catalog.get(dataset_id).revision,
        "run_id": run_id,
        "start_lr": FIRST_LR,
        "end_lr": LAST_LR,
        "num_it": N_BATCHES,
    }
    return tasks.start(
        "lr_find", dataset_id=dataset_id, params=params, run_id=run_id, key=ids.new("lr")
    )


def find(task_id: str) -> LrFind | None:
    """Find what a range test has measured so far."""
    table = schema.lr_finds
    with database.reading() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == task_id)).mappings().first()
    if row is None:
        return None
    return LrFind(
        id=task_id,
        points=tuple((point[0], point[1], point[2]) for point in row["points"]),
        suggestions=tuple(Suggestion(**found) for found in row["suggestions"]),
    )


def points(task_id: str, *, since: int) -> dict[str, Any]:
    """Give the live chart's JSON: the points after the first `since`."""
    task = tasks.get(task_id)
    found = find(task_id)
    new = found.points[since:] if found else ()
    return {
        "n": since + len(new),
        "rows": {
            "lr": [point[0] for point in new],
            "loss": [point[1] for point in new],
            "smooth_loss": [point[2] for point in new],
        },
        "whole": {},
        "marks": [
            {"x": suggestion.lr, "text": suggestion.name}
            for suggestion in (found.suggestions if found else ())
            if suggestion.lr is not None
        ],
        "facts": _facts(task),
        "done": task.status in ENDED,
    }


def _facts(task: Task) -> list[list[str]]:
    progress = task.progress
    facts = [
        ["Status", task.message if task.status == "running" and task.message else task.status],
        ["Batch", f"{progress.done} of {progress.total or N_BATCHES}"],
    ]
    if task.status == "running" and progress.remaining_seconds is not None:
        facts.append(["Left, at most", durations.in_words(progress.remaining_seconds)])
    return facts
