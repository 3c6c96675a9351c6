"""What runs of several tests are trained with and leave behind, to be compared."""

from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
import torch
from safetensors.torch import load_file

from core.domain.recipes import (
    Recipe,
)
from core.engine import outputs, training
from core.engine.ledger import Ledger
from core.engine.training import Outcome
from core.store import database, files, frames, schema
from tests.engine.conftest import FakeJob, describe


def train(
    recipe: Recipe, job: FakeJob, *, frame: pd.DataFrame, root: Path, run_id: str
) -> Outcome:
    ledger = Ledger(run_id)
    try:
        return training.train(describe(frame, root, recipe, run_id=run_id), ledger, job)
    finally:
        outputs.save_steps(run_id, ledger)


def weights(run_id: str) -> dict[str, torch.Tensor]:
    return load_file(files.run_weights(run_id))


def is_same_run(one: str, other: str) -> bool:
    """Say whether two runs left the same weights, losses by item and predictions, bit for bit."""
    first, second = weights(one), weights(other)
    same = all(torch.equal(first[name], second[name]) for name in first)
    tables = (files.run_predictions, files.run_train_losses)
    return same and all(frames.load(of(one)).equals(frames.load(of(other))) for of in tables)


def epochs_of(run_id: str) -> list[tuple[Any, ...]]:
    table = schema.epochs
    columns = (table.c.epoch, table.c.stage, table.c.last_step, table.c.train_loss)
    query = sa.select(*columns, table.c.valid_loss).where(table.c.run_id == run_id)
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(table.c.epoch))]
