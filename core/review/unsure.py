"""What a model predicted of other images, the unsure ones first, scored where labels are known."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.domain import labellers
from core.domain.errors import NotFoundError
from core.store import files, frames

N_TOP = 3
TOP_K = 5
NONE_OF_THESE = "none of these"
LIGHT = ["path", "label", "content_hash", "reason", "pred", "p_pred", "label_rank"]
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a cell that begins with it for: something to work out."""


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """What a predict task has predicted so far, without the probabilities of all classes.

    `table` has path, label, content_hash, pred, p_pred and label_rank (from 0) of each image, and
    `part` and `row` to find its probabilities; `broken` has path and reason.
    """

    task_id: str
    classes: tuple[str, ...]
    is_multi: bool
    threshold: float | None  # None: the likeliest class counts, however likely
    folder: str
    views: dict[str, Any] | None  # of test-time augmentation: n and beta
    ignored: dict[str, int]
    table: pd.DataFrame
    broken: pd.DataFrame

    @property
    def is_labelled(self) -> bool:
        """Say whether any image lay in a folder that is named after a class."""
        return bool(self.table["label"].notna().any())


@dataclass(frozen=True, kw_only=True)
class Score:
    """How right a model was on the images whose label is known."""

    n: int
    accuracy: float
    top_5_accuracy: float | None  # None with five classes or fewer: it is always 1


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One image with its most probable classes."""

    path: str
    content_hash: str
    label: str | None
    pred: str  # in words: with a threshold several classes, or none of these
    top: tuple[tuple[str, float], ...]
    is_right: bool | None  # None where the label is not known


def load(task_id: str) -> Predicted | None:
    """Read what is there of a prediction; None while nothing is."""
    about_path, parts = files.prediction_about(task_id), files.prediction_parts(task_id)
    if not (about_path.exists() and parts):
        return None
    tables = []
    for number, path in enumerate(parts):
        part = frames.load(path, columns=LIGHT)
        tables.append(part.assign(part=number, row=np.arange(len(part))))
    whole = pd.concat(tables, ignore_index=True)
    is_broken = whole["reason"].notna()
    about = files.load_json(about_path)
    return Predicted(
        task_id=task_id,
        classes=tuple(about["classes"]),
        is_multi=about["is_multi"],
        threshold=about["threshold"],
        folder=about["folder"],
        views=about["tta"],
        ignored=about["ignored"],
        table=whole[~is_broken].drop(columns="reason").reset_index(drop=True),
        broken=whole.loc[is_broken, ["path", "reason"]].reset_index(drop=True),
    )


def count_parts(task_id: str) -> int:
    """Count the tables that are written: what was read is as new as their number."""
    return len(files.prediction_parts(task_id))


def rank(
    found: Predicted, *, sure_first: bool, threshold: float | None, only_wrong: bool = False
) -> np.ndarray:
    """Give positions in the table, the unsure images first; ties in their order.

    Unsure is an image whose highest probability is low, or with a threshold one of whose
    probabilities is close to it: that it is clearly none of these is sure, too. With `only_wrong`
    those of images whose label is known and is not what was predicted.
    """
    sure = found.table["p_pred"].to_numpy() if threshold is None else _margins(found, threshold)
    order = np.argsort(-sure if sure_first else sure, kind="stable")
    if only_wrong:
        wrong = found.table["label"].notna().to_numpy() & ~is_right(found, threshold)
        order = np.asarray(order[wrong[order]])
    return order


def _margins(found: Predicted, threshold: float) -> np.ndarray:
    """Give how far from the threshold each image's closest probability is; shape (images,)."""
    margins = np.empty(len(found.table), dtype=np.float32)
    for _, group in found.table.groupby("part"):
        values = probabilities(found, group.index.tolist())
        margins[group.index] = np.abs(values - np.float32(threshold)).min(axis=1)
    return margins


def is_right(found: Predicted, threshold: float | None) -> np.ndarray:
    """Say for each image whether its pred is its label; shape (images,)."""
    table = found.table
    equal = np.asarray((table["pred"] == table["label"]).fillna(value=False), dtype=bool)
    if threshold is None:
        return equal
    return np.asarray(equal & (table["p_pred"].to_numpy() > threshold))


def score(found: Predicted, threshold: float | None) -> Score | None:
    """Score the images whose label is known; None where none is."""
    known = found.table["label"].notna().to_numpy()
    if not known.any():
        return None
    top_5 = None
    if len(found.classes) > TOP_K:
        top_5 = float((found.table.loc[known, "label_rank"] < TOP_K).mean())
    accuracy = float(is_right(found, threshold)[known].mean())
    return Score(n=int(known.sum()), accuracy=accuracy, top_5_accuracy=top_5)


def guesses(found: Predicted, positions: Sequence[int], threshold: float | None) -> list[Guess]:
    """Give some images with their three most probable classes."""
    rows = found.table.iloc[list(positions)]
    right = is_right(found, threshold)[list(positions)]
    values = probabilities(found, positions)
    return [
        Guess(
            path=row.path,
            content_hash=row.content_hash,
            label=None if pd.isna(row.label) else row.label,
            pred=_pred(found, own, threshold),
            top=_top(found.classes, own),
            is_right=None if pd.isna(row.label) else bool(good),
        )
        for row, own, good in zip(rows.itertuples(), values, right, strict=True)
    ]


def probabilities(found: Predicted, positions: Sequence[int]) -> np.ndarray:
    """Read the probabilities of some images, shape (positions, classes); only their tables."""
    names = [f"p_{index}" for index in range(len(found.classes))]
    places = found.table.iloc[list(positions)][["part", "row"]].to_numpy()
    values = np.empty((len(places), len(names)), dtype=np.float32)
    for number in np.unique(places[:, 0]):
        mine = places[:, 0] == number
        part = frames.load(files.prediction_part(found.task_id, int(number)), columns=names)
        values[mine] = part.iloc[places[mine, 1]].to_numpy()
    return values


def write_csv(found: Predicted, threshold: float | None) -> Path:
    """Write a table for a spreadsheet, and give its path.

    It has file, pred, probability, label where any is known, one column a class, and problem where
    any file is broken. No cell is one that a spreadsheet would work out.
    """
    path = files.prediction_csv(found.task_id)
    files.write_with(path, lambda part: _write(part, found, threshold))
    return path


def _write(path: Path, found: Predicted, threshold: float | None) -> None:
    head = ["file", "pred", "probability", *(["label"] if found.is_labelled else [])]
    problem = ["problem"] if len(found.broken) else []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_cell(name) for name in (*head, *found.classes, *problem)])
        for columns in _columns(found, threshold):
            table = pd.DataFrame(dict(enumerate(columns)))
            if problem:
                table["problem"] = ""
            table.to_csv(
                file, header=False, index=False, float_format="%.6g", lineterminator="\r\n"
            )
        for one in found.broken.itertuples():
            empty = [""] * (len(head) - 1 + len(found.classes))
            writer.writerow([_cell(one.path), *empty, _cell(one.reason)])


def _columns(found: Predicted, threshold: float | None) -> Iterator[list[Any]]:
    """Give the columns of the images of each stored table, one table after the other."""
    for _, group in found.table.groupby("part"):
        values = probabilities(found, group.index.tolist())
        preds = [_pred(found, own, threshold) for own in values]
        labels = [group["label"].fillna("").tolist()] if found.is_labelled else []
        texts = [[_cell(cell) for cell in column] for column in (group["path"], preds, *labels)]
        yield [*texts[:2], values.max(axis=1), *texts[2:], *values.T]


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def _pred(found: Predicted, own: np.ndarray, threshold: float | None) -> str:
    if threshold is None or (own.max() > threshold and not found.is_multi):
        return found.classes[int(own.argmax())]
    if not found.is_multi:
        return NONE_OF_THESE
    chosen = (name for name, value in zip(found.classes, own, strict=True) if value > threshold)
    return labellers.join(chosen) or NONE_OF_THESE


def _top(classes: Sequence[str], own: np.ndarray) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-own, kind="stable")[:N_TOP]
    return tuple((classes[at], float(own[at])) for at in order)


def position_of(found: Predicted, path: str) -> int:
    """Find the position of an image by its path; raises NotFoundError."""
    at = np.flatnonzero((found.table["path"] == path).to_numpy())
    if len(at) == 0:
        raise NotFoundError(f"The image {path} was not predicted.", hint="Choose another image.")
    return int(at[0])
