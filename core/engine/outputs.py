"""The files that a run leaves in its folder."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from fastai.learner import Learner
from safetensors.torch import load_file, save_file

from core.domain import advice
from core.domain.advice import Weights
from core.domain.errors import NotFoundError, RecipeError
from core.domain.recipes import Recipe
from core.engine.ledger import Ledger
from core.engine.normalising import Statistics
from core.store import database, files, frames, schema

MOST_STEPS = 2000
"""Rows of the thinned steps: more than a chart has pixels."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What says how to build a run's model again and how to feed it."""

    recipe: Recipe
    classes: tuple[str, ...]
    multi: bool  # several labels an image
    size_px: int  # of the last stage that was trained
    statistics: Statistics | None  # mean and deviation that images are normalised with
    fingerprint: str
    revision: int
    metrics: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Give it as it is written to the run's JSON file."""
        mean, std = self.statistics or (None, None)
        return {
            "arch": self.recipe.arch,
            "classes": list(self.classes),
            "multi": self.multi,
            "presize_px": self.recipe.presize_px,
            "size_px": self.size_px,
            "mean": list(mean) if mean else None,
            "std": list(std) if std else None,
            "fingerprint": self.fingerprint,
            "revision": self.revision,
            "metrics": self.metrics,
            "recipe": self.recipe.model_dump(mode="json"),
        }


def save_model(run_id: str, learn: Learner, facts: ModelFacts) -> None:
    """Write the weights, and the JSON that says how to use them."""
    state = {name: each.contiguous().cpu() for name, each in learn.model.state_dict().items()}
    files.write_with(files.run_weights(run_id), lambda part: save_file(state, part))
    save_facts(run_id, facts)


def save_facts(run_id: str, facts: ModelFacts) -> None:
    """Write the JSON that says how to use the weights."""
    files.write_json(files.run_model(run_id), facts.as_json())


def load_model(run_id: str, learn: Learner) -> None:
    """Put a run's weights into a learner of the same network and classes."""
    path = files.run_weights(run_id)
    if not path.exists():
        raise _no_model(run_id, path)
    learn.model.load_state_dict(load_file(path))


def begin_from(run_id: str, first: str, learn: Learner) -> None:
    """Put the weights of the run `first` into a run's learner, and keep a copy with the run.

    The copy stays what the run began with, also where `first` is continued afterwards; a run that
    begins anew takes the copy.
    """
    kept = files.run_beginning(run_id)
    if not kept.exists():
        path = files.run_weights(first)
        if not path.exists():
            raise _no_model(first, path)
        files.write_with(kept, lambda part: shutil.copyfile(path, part))
    learn.model.load_state_dict(load_file(kept))


def check_same(run_id: str, recipe: Recipe, classes: tuple[str, ...]) -> None:
    """Raise RecipeError where a run's weights are not those of a recipe's network and classes."""
    stored = Weights(
        run_name=run_id,
        recipe=recipe_of(run_id),
        classes=tuple(load_facts(run_id)["classes"]),
    )
    for found in advice.misfits(stored, recipe, classes):
        raise RecipeError(found.sentence, hint=found.hint)


def load_facts(run_id: str) -> dict[str, Any]:
    """Read the JSON that says how to build and feed a run's model."""
    path = files.run_model(run_id)
    if not path.exists():
        raise _no_model(run_id, path)
    facts: dict[str, Any] = files.load_json(path)
    return facts


def recipe_of(run_id: str) -> Recipe:
    """Read the recipe beside the weights; older runs have it in their row alone."""
    facts = load_facts(run_id)
    if "recipe" in facts:
        return Recipe.model_validate(facts["recipe"])
    query = sa.select(schema.runs.c.recipe).where(schema.runs.c.id == run_id)
    with database.reading() as connection:
        return Recipe.model_validate(connection.execute(query).scalar_one())


def statistics_of(run_id: str) -> Statistics | None:
    """Give the mean and deviation that a run's images were normalised with."""
    facts = load_facts(run_id)
    return (tuple(facts["mean"]), tuple(facts["std"])) if facts["mean"] else None


def save_items(run_id: str, losses: pd.DataFrame | None, table: pd.DataFrame) -> None:
    """Write the train losses by item, where there are any, and the predictions on valid."""
    if losses is not None:
        frames.save(files.run_train_losses(run_id), losses)
    frames.save(files.run_predictions(run_id), table)


def forget_tta(run_id: str) -> None:
    """Remove predictions of weights that will not be these any more."""
    files.run_tta_predictions(run_id).unlink(missing_ok=True)


def save_tta(run_id: str, table: pd.DataFrame) -> None:
    """Write the predictions on valid with test-time augmentation."""
    frames.save(files.run_tta_predictions(run_id), table)


def save_steps(run_id: str, ledger: Ledger) -> None:
    """Write the steps, all of them and thinned."""
    steps = ledger.steps()
    frames.save(files.run_steps(run_id), steps)
    frames.save(files.run_thin_steps(run_id), thin(steps))


def thin(steps: pd.DataFrame, most: int = MOST_STEPS) -> pd.DataFrame:
    """Keep the lowest and the highest loss of each bucket, so that spikes stay, and both ends."""
    if len(steps) <= most:
        return steps
    loss = steps["loss"].to_numpy()
    kept = {0, len(steps) - 1}
    for bucket in np.array_split(np.arange(len(steps)), most // 2 - 1):
        kept.add(int(bucket[loss[bucket].argmin()]))
        kept.add(int(bucket[loss[bucket].argmax()]))
    return steps.iloc[sorted(kept)].reset_index(drop=True)


def _no_model(run_id: str, path: Path) -> NotFoundError:
    return NotFoundError(
        f"The run {run_id} has no trained model: {path} is not there.",
        hint="Choose a run that finished, or was stopped after its first batch.",
    )
