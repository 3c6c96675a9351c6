"""Batches as the network sees them, written as JPEGs, with the facts beside them."""

import dataclasses
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.data.transforms import Normalize
from PIL import Image

from core.domain import labellers
from core.domain.errors import NotFoundError
from core.domain.plans import Plan
from core.domain.recipes import Mix
from core.engine import checks, data, mixing, seeding
from core.engine.data import TRAIN, VALID, Batches

N_SHOWN = 12
N_VARIED = 9
QUALITY = 90


def draw(
    frame: pd.DataFrame,
    root: Path,
    plan: Plan,
    *,
    item_id: int | None,
    folder: Path,
    multi: bool = False,
) -> dict[str, Any]:
    """Write the pictures of a plan into a folder, and give what is known of its batches.

    The train batch is the first that a run of this plan would see, in the sizes of its first
    stage and mixed where the recipe mixes, where it loads with no extra processes. Only the images
    of that batch, of a sample of valid and of one item are decoded, and those that the recipe
    normalises by. With `multi` an image's labels are written one after the other.
    """
    recipe = data.of_stage(plan.recipe, plan.recipe.stages[0])
    checks.check(frame, recipe, multi=multi)
    seeding.seed_all(plan.seed)
    batches = data.batches(frame, root, recipe, path=folder, n_workers=0, multi=multi)
    if multi:
        train, valid = (_with_labels_in_words(table) for table in batches.items)
        batches = dataclasses.replace(batches, items=(train, valid))
    seeding.seed_fit(batches.dls, plan.seed)
    return {
        **_train(batches, recipe.mix, folder),
        "valid": _valid(batches, plan.seed, folder),
        "nine": _nine(batches, item_id, folder),
        "n_batches": batches.n_train_batches,
        "n_train": len(batches.item_ids[TRAIN]),
        "n_valid": len(batches.item_ids[VALID]),
        "classes": list(batches.classes),
        "mix": None if recipe.mix is None else recipe.mix.model_dump(),
    }


def blended_labels(labels: Sequence[str], shares: torch.Tensor) -> list[str]:
    """Write each picture's labels with their shares, the larger first: `cat 70 % + dog 30 %`."""
    return [_in_shares(labels, row) for row in shares.tolist()]


def _with_labels_in_words(items: pd.DataFrame) -> pd.DataFrame:
    words = [
        ", ".join(labellers.split(label, multi=True)) or "no label"
        for label in items["label"].tolist()
    ]
    return items.assign(label=words)


def _train(batches: Batches, mix: Mix | None, folder: Path) -> dict[str, Any]:
    loader = batches.dls.train
    pixels = loader.one_batch()[0]
    ids = data.batch_ids(loader, batches.item_ids[TRAIN], 0, len(pixels))
    items = _rows(batches.items[TRAIN], ids)
    if mix is not None:
        pixels, shares = mixing.blend(pixels, mix)
        items = items.assign(label=blended_labels(items["label"].tolist(), shares))
    plain = _plain(batches, pixels)
    return {
        "train": _save(plain[:N_SHOWN], items.head(N_SHOWN), folder, "train"),
        "shape": list(pixels.shape),
        "before": _statistics(plain),
        "after": _statistics(pixels),
    }


def _in_shares(labels: Sequence[str], shares: Sequence[float]) -> str:
    share_of: dict[str, float] = {}
    for label, share in zip(labels, shares, strict=True):
        share_of[label] = share_of.get(label, 0.0) + 100 * share
    ordered = sorted(share_of, key=lambda label: share_of[label], reverse=True)
    shown = [label for label in ordered if round(share_of[label]) > 0]
    if len(shown) == 1:
        return shown[0]
    return " + ".join(f"{label} {round(share_of[label])} %" for label in shown)


def _valid(batches: Batches, seed: int, folder: Path) -> list[dict[str, Any]]:
    loader, table = batches.dls.valid, batches.items[VALID]
    n_shown = min(N_SHOWN, len(table))
    chosen = sorted(random.Random(seed).sample(range(len(table)), n_shown))
    pixels = data.stack(loader, [loader.do_item(position) for position in chosen])[0]
    return _save(_plain(batches, pixels), table.iloc[chosen], folder, "valid")


def _nine(batches: Batches, item_id: int | None, folder: Path) -> dict[str, Any]:
    part, position = _find(batches, item_id)
    loader, dataset = batches.dls.train, batches.dls[part].dataset
    loader.before_iter()  # the item, too, is cropped as in training
    item = dataset[position]
    pixels = data.stack(loader, [loader.after_item(item) for _ in range(N_VARIED)])[0]
    row = batches.items[part].iloc[[position] * N_VARIED]
    drawn = _save(_plain(batches, pixels), row, folder, "nine")
    first = drawn[0]
    return {
        "item_id": first["item_id"],
        "label": first["label"],
        "files": [each["file"] for each in drawn],
    }


def _find(batches: Batches, item_id: int | None) -> tuple[int, int]:
    if item_id is None:
        return TRAIN, 0
    for part in (TRAIN, VALID):
        found = np.flatnonzero(batches.item_ids[part] == item_id)
        if len(found):
            return part, int(found[0])
    raise NotFoundError(
        f"The image {item_id} is not among those that this plan trains or measures.",
        hint="Choose another image, or take back its exclusion.",
    )


def _rows(table: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    return table.set_index("item_id", drop=False).loc[list(ids)]


def _plain(batches: Batches, pixels: torch.Tensor) -> torch.Tensor:
    """Undo the normalisation: values from 0 to 1, but for what lighting or erasing did."""
    fed = batches.dls.train.after_batch.fs
    normalize = next((each for each in fed if isinstance(each, Normalize)), None)
    return pixels if normalize is None else normalize.decode(pixels)


def _statistics(pixels: torch.Tensor) -> dict[str, list[float]]:
    channels = pixels.float().transpose(0, 1).flatten(1)
    return {"mean": channels.mean(dim=1).tolist(), "std": channels.std(dim=1).tolist()}


def _save(
    pixels: torch.Tensor, items: pd.DataFrame, folder: Path, name: str
) -> list[dict[str, Any]]:
    """Write one JPEG an image and give its file name with its item."""
    drawn = []
    values = (pixels.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    for index, row in enumerate(items.itertuples()):
        file = f"{name}-{index}.jpg"
        Image.fromarray(values[index]).save(folder / file, quality=QUALITY)
        drawn.append({"file": file, "item_id": int(row.item_id), "label": row.label})
    return drawn
