"""Rows and files that tests of several rooms begin from."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.domain.labellers import TableLabeller
from core.domain.recipes import BinaryCrossEntropy, Recipe, Stage
from core.store import clock, database, files, frames, schema

RECIPE = Recipe(
    name="Fine-tune",
    arch="squeezenet1_0",
    presize_px=32,
    size_px=32,
    batch_size=4,
    stages=(Stage(train="head", epochs=1, lr=1e-3), Stage(epochs=1, lr=1e-4)),
)


def insert_dataset(
    items: Mapping[str, Sequence[str]], *, dataset_id: str = "d-1", split_id: str = "s-1"
) -> list[int]:
    """Insert a dataset of readable items, every fourth in valid; give the ids in path order."""
    now = clock.now()
    dataset = {
        "id": dataset_id,
        "name": "Pets",
        "root": f"/nowhere/{dataset_id}",
        "labeller": {"kind": "folder"},
        "source": "folder",
        "revision": 1,
        "created_at": now,
        "scanned_at": now,
        "ignored": {},
    }
    first = {"dataset_id": dataset_id, "revision": 1, "kind": "scan", "created_at": now}
    split = {
        "id": split_id,
        "dataset_id": dataset_id,
        "name": "Master",
        "is_master": True,
        "seed": 42,
        "valid_fraction": 0.25,
        "created_at": now,
    }
    rows = [
        {
            "dataset_id": dataset_id,
            "path": f"{label}/{name}",
            "recorded_label": label,
            "label": label,
            "excluded": False,
            "status": "ok",
            "size_bytes": 100,
            "mtime_ns": 1,
            "width_px": 32,
            "height_px": 32,
            "format": "JPEG",
            "content_hash": f"{label}{name}".encode().hex().ljust(32, "0")[:32],
        }
        for label, names in sorted(items.items())
        for name in sorted(names)
    ]
    with database.writing() as connection:
        connection.execute(sa.insert(schema.datasets).values(**dataset))
        connection.execute(sa.insert(schema.revisions).values(**first))
        connection.execute(sa.insert(schema.splits).values(**split))
        insert = sa.insert(schema.items).returning(schema.items.c.id, sort_by_parameter_order=True)
        ids = [row.id for row in connection.execute(insert, rows)]
        parts = [
            {"split_id": split_id, "item_id": item, "part": "valid" if n % 4 == 3 else "train"}
            for n, item in enumerate(ids)
        ]
        connection.execute(sa.insert(schema.assignments), parts)
    return ids


def insert_run(run_id: str = "run-1", **columns: object) -> str:
    """Insert a run of the dataset `d-1` on the split `s-1`."""
    values = {
        "id": run_id,
        "name": run_id,
        "dataset_id": "d-1",
        "revision": 1,
        "split_id": "s-1",
        "subset": {"per_class": None},
        "recipe": RECIPE.model_dump(mode="json"),
        "seed": 42,
        "code_version": "test",
        "status": "finished",
        "created_at": clock.now(),
        **columns,
    }
    with database.writing() as connection:
        connection.execute(sa.insert(schema.runs).values(**values))
    return run_id


def save_predictions(
    run_id: str, classes: Sequence[str], item_ids: Sequence[int], labels: Sequence[int], p: object
) -> None:
    """Store predictions and items as a run does: probabilities of shape (items, classes)."""
    probability = np.asarray(p, dtype=float)
    label = np.asarray(labels)
    frame = pd.DataFrame(
        {
            "item_id": item_ids,
            "label": np.asarray(classes, dtype=object)[label],
            "pred": np.asarray(classes, dtype=object)[probability.argmax(axis=1)],
            "loss": -np.log(probability[np.arange(len(label)), label]),
            **{f"p_{index}": probability[:, index] for index in range(len(classes))},
        }
    )
    frames.save(files.run_predictions(run_id), frame)
    items = frame[["item_id", "label"]].assign(part="valid", content_hash="same")
    frames.save(files.run_items(run_id), items)
    files.write_json(files.run_model(run_id), {"classes": list(classes)})


def save_label_predictions(
    run_id: str,
    classes: Sequence[str],
    labels: Mapping[int, str],
    p: object,
    *,
    threshold: float = 0.5,
    tta: object = None,
) -> None:
    """Store predictions of several labels an image as a run does, and with `tta` the others.

    `labels` are the joined labels by item id, probabilities of shape (items, classes).
    """
    table = _label_table(classes, labels, p, threshold)
    frames.save(files.run_predictions(run_id), table)
    if tta is not None:
        frames.save(
            files.run_tta_predictions(run_id), _label_table(classes, labels, tta, threshold)
        )
    items = table[["item_id", "label"]].assign(part="valid", content_hash="same")
    frames.save(files.run_items(run_id), items)
    write_sigmoid_model(run_id, classes, multi=True, threshold=threshold)


def write_sigmoid_model(
    run_id: str, classes: Sequence[str], *, multi: bool = False, threshold: float = 0.5
) -> None:
    """Say in a run's JSON that its model gives each class a probability of its own."""
    recipe = RECIPE.model_copy(update={"loss": BinaryCrossEntropy(threshold=threshold)})
    facts = {"classes": list(classes), "multi": multi, "recipe": recipe.model_dump(mode="json")}
    files.write_json(files.run_model(run_id), facts)


def let_have_several_labels(dataset_id: str = "d-1") -> None:
    """Have a dataset's labels be read as several an image, joined by `|` as they are stored."""
    labeller = TableLabeller(table="t.csv", file_column="f", label_column="l", separator=" ")
    mine = sa.update(schema.datasets).where(schema.datasets.c.id == dataset_id)
    with database.writing() as connection:
        connection.execute(mine.values(labeller=labeller.model_dump(mode="json")))


def _label_table(
    classes: Sequence[str], labels: Mapping[int, str], p: object, threshold: float
) -> pd.DataFrame:
    probability = np.asarray(p, dtype=np.float32)
    given = [label.split("|") for label in labels.values()]
    ones = np.array([[name in own for name in classes] for own in given])
    sure = np.where(ones, probability, 1 - probability).astype(float)
    pred = [
        "|".join(name for name, value in zip(classes, row, strict=True) if value > threshold)
        for row in probability
    ]
    columns = {f"p_{index}": probability[:, index] for index in range(len(classes))}
    return pd.DataFrame(
        {
            "item_id": list(labels),
            "label": list(labels.values()),
            "pred": pred,
            "loss": -np.log(sure).mean(axis=1),
            **columns,
        }
    )
