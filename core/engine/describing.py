"""What a run trains, read from the store, and what is known of it once it begins."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from core.datasets import applying, catalog, lost, subsets, trainable
from core.domain.plans import Plan, Subset
from core.domain.recipes import Recipe
from core.engine import environment
from core.store import database, files, frames, schema, version


@dataclass(frozen=True, kw_only=True)
class Description:
    """All that decides a run's numbers, but for code and machine."""

    run_id: str
    frame: pd.DataFrame  # item_id, path, label, part, content_hash; in order of path then
    root: Path
    recipe: Recipe
    seed: int
    revision: int
    fingerprint: str
    multi: bool = False  # several labels an image
    begins_from: str | None = None  # the run whose weights it begins with


def load(run_id: str) -> Description:
    """Read a run's row, and the items as they were at its revision.

    Raises RecipeError where a chosen class is none that can be trained on, and where files were
    replaced or deleted since that revision.
    """
    table = schema.runs
    with database.reading() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == run_id)).mappings().one()
    plan = Plan(
        split_id=row["split_id"],
        subset=Subset.model_validate(row["subset"]),
        recipe=Recipe.model_validate(row["recipe"]),
        seed=row["seed"],
    )
    frame = items(row["dataset_id"], plan, revision=row["revision"])
    lost.check(row["dataset_id"], frame, revision=row["revision"])
    return Description(
        run_id=run_id,
        frame=_found(row["dataset_id"], frame),
        root=root(row["dataset_id"]),
        recipe=plan.recipe,
        seed=plan.seed,
        revision=row["revision"],
        fingerprint=catalog.fingerprint(frame),
        multi=catalog.get(row["dataset_id"]).is_multi_label,
        begins_from=row["begins_from"],
    )


def items(dataset_id: str, plan: Plan, *, revision: int) -> pd.DataFrame:
    """Give the items that a plan trains and measures at a revision, in order of path.

    Those of the part `test` are set aside: they are not measured, and add no class. Raises
    RecipeError where a class that the plan chose has no items any more.
    """
    frame = catalog.items_at(
        dataset_id, revision=revision, split_id=plan.split_id, subset=plan.subset
    )
    used = frame[frame["part"] != "test"].reset_index(drop=True)
    multi = catalog.get(dataset_id).is_multi_label
    trainable.check_classes(plan.subset, subsets.classes_of(used["label"], multi=multi))
    return used


def _found(dataset_id: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Give items with the paths at which their files lie now, in the order that they had."""
    places = applying.current(dataset_id, frame["item_id"].tolist())
    return frame.assign(path=frame["item_id"].map(places))


def root(dataset_id: str) -> Path:
    """Give the folder that a dataset's paths are relative to."""
    return Path(catalog.get(dataset_id).root)


def note(description: Description) -> None:
    """Write what is known now into the run's row, and its items into the run's folder."""
    frames.save(files.run_items(description.run_id), description.frame)
    parts = description.frame["part"].value_counts()
    values = {
        "fingerprint": description.fingerprint,
        "n_train": int(parts.get("train", 0)),
        "n_valid": int(parts.get("valid", 0)),
        "environment": environment.describe(),
        "code_version": version.code_version(),  # of this process, whatever the server runs
    }
    mine = sa.update(schema.runs).where(schema.runs.c.id == description.run_id)
    with database.writing() as connection:
        connection.execute(mine.values(**values))
