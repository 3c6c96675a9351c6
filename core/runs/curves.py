"""What the live chart asks for: the steps after the last it has, and the epochs so far.

While a run lives its steps are rows of the database; when it has ended they are a Parquet file,
with a thinned copy for charts.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.domain import durations
from core.domain.jobs import ACTIVE, ENDED
from core.domain.recipes import trained_in_words
from core.domain.runs import Epoch, Run
from core.runs import runs
from core.store import clock, database, files, frames, schema

COLUMNS = ("step", "loss", "smooth_loss", "lr", "momentum")
MOST_POINTS = 4000  # in one answer; a longer backlog is thinned


def get(run_id: str, *, since: int) -> dict[str, Any]:
    """Give the chart's JSON: new rows, epochs, stage marks, facts, and whether it is over."""
    run = runs.get(run_id)
    steps = steps_frame(run_id, since=since)
    epochs = runs.list_epochs(run_id)
    whole: dict[str, list[float]] = {
        "epoch": [epoch.epoch + 1 for epoch in epochs],
        "epoch_step": [epoch.last_step for epoch in epochs],
        "valid_loss": [epoch.valid_loss for epoch in epochs],
        "train_loss": [epoch.train_loss for epoch in epochs],
    }
    for name in epochs[0].metrics if epochs else ():
        whole[name] = [epoch.metrics[name] for epoch in epochs]
    return {
        "n": int(steps["step"].iloc[-1]) + 1 if len(steps) else since,
        "rows": {name: steps[name].tolist() for name in COLUMNS},
        "whole": whole,
        "marks": _marks(run, epochs),
        "facts": _facts(run),
        "done": run.status in ENDED,
    }


def steps_frame(run_id: str, *, since: int = 0) -> pd.DataFrame:
    """Give a run's steps from `since` on, thinned where they are many: step, loss, … a column."""
    table = schema.steps
    query = (
        sa.select(*(table.c[name] for name in COLUMNS))
        .where(table.c.run_id == run_id, table.c.step >= since)
        .order_by(table.c.step)
    )
    with database.reading() as connection:
        found = connection.execute(query).all()
    if not found and files.run_thin_steps(run_id).exists():
        stored = frames.load(files.run_thin_steps(run_id), list(COLUMNS))
        return stored[stored["step"] >= since]
    return thin(pd.DataFrame(found, columns=list(COLUMNS)), MOST_POINTS)


def thin(steps: pd.DataFrame, most: int) -> pd.DataFrame:
    """Keep about `most` rows: the lowest and highest loss of each bucket, and the end."""
    if len(steps) <= most:
        return steps
    bucket = pd.Series(range(len(steps)), index=steps.index) * (most // 2) // len(steps)
    groups = steps["loss"].groupby(bucket)
    kept = {*groups.idxmin().dropna(), *groups.idxmax().dropna(), steps.index[-1]}
    return steps.loc[sorted(kept)]


def _marks(run: Run, epochs: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Say at which step each stage began: where the one before had its last epoch."""
    ends = {epoch.stage: epoch.last_step + 1 for epoch in epochs}
    return [
        {"x": ends.get(info.stage - 1, 0), "text": trained_in_words(stage.train)}
        for info, stage in zip(runs.list_stages(run.id), run.recipe.stages, strict=False)
    ]


def _facts(run: Run) -> list[list[str]]:
    progress = run.progress
    facts = [["Status", run.status]]
    if run.status in ACTIVE:
        facts.append(["Now", run.message or "starting"])
    elif run.message:
        facts.append(["Was at", run.message])
    if progress.total:
        facts.append(["Batch", f"{progress.done} of {progress.total}"])
    worked = run.seconds_before
    if run.started_at is not None:
        worked += (run.finished_at or clock.now()) - run.started_at
    if worked:
        facts.append(["Time", durations.in_words(worked)])
    if progress.remaining_seconds is not None and run.status == "running":
        facts.append(["Left", durations.in_words(progress.remaining_seconds)])
    if progress.rate:
        facts.append(["Images a second", f"{progress.rate:.0f}"])
    return facts
