"""Runs whose weights others begin with: are they there, and do they fit?"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from core.domain import advice
from core.domain.advice import Advice, Weights
from core.domain.errors import RecipeError
from core.domain.recipes import Recipe
from core.domain.runs import Run
from core.runs import rows
from core.store import database, files, schema


def find(run_id: str, recipe: Recipe, classes: Sequence[str]) -> tuple[Advice, ...]:
    """Say what speaks against beginning a recipe on these classes with the weights of a run."""
    query = sa.select(schema.runs).where(schema.runs.c.id == run_id)
    with database.reading() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        return (_refused(f"The run {run_id}, whose weights the plan begins with, is gone."),)
    return tuple(_against(rows.run(row), recipe, classes))


def check(first: Run, recipe: Recipe) -> None:
    """Raise RecipeError where a run's weights are not of a recipe's network."""
    for found in _against(first, recipe):
        raise RecipeError(found.sentence, hint=found.hint)


def _against(first: Run, recipe: Recipe, classes: Sequence[str] | None = None) -> Iterator[Advice]:
    path = files.run_model(first.id)
    has_ended = first.status in ("finished", "stopped") and bool(first.metrics)
    if not (has_ended and path.exists()):
        yield _refused(f"The run {first.name} has no weights to begin from.")
        return
    known = tuple(files.load_json(path)["classes"])
    weights = Weights(run_name=first.name, recipe=first.recipe, classes=known)
    yield from advice.misfits(weights, recipe, known if classes is None else classes)


def _refused(sentence: str) -> Advice:
    hint = "Choose a run that finished or was stopped, or begin afresh."
    return Advice(level="refused", field="begins_from", sentence=sentence, hint=hint)
