"""Batches as the network sees them, written as JPEGs, with the facts beside them."""

import random
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
from core.engine import checks, data, seeding
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

    The train batch is the first that a run of this plan would see, where it loads with no extra
    processes. Only the images of that batch, of a sample of valid and of one item are decoded.
    With `multi` an image's labels are written one after the other.
    """
    checks.check(frame, plan.recipe, multi=multi)
    seeding.seed_all(plan.seed)
    batches = data.batches(frame, root, plan.recipe, path=folder, n_workers=0, multi=multi)
    drawn = _drawn(batches, plan, item_id, folder)
    return _with_labels_in_words(drawn) if multi else drawn


def _drawn(batches: Batches, plan: Plan, item_id: int | None, folder: Path) -> dict[str, Any]:
    seeding.seed_fit(batches.dls, plan.seed)
    return {
        **_train(batches, folder),
        "valid": _valid(batches, plan.seed, folder),
        "nine": _nine(batches, item_id, folder),
        "n_batches": batches.n_train_batches,
        "n_train": len(batches.item_ids[TRAIN]),
        "n_valid": len(batches.item_ids[VALID]),
        "classes": list(batches.classes),
    }


def _with_labels_in_words(drawn: dict[str, Any]) -> dict[str, Any]:
    for each in [*drawn["train"], *drawn["valid"], drawn["nine"]]:
        each["label"] = ", ".join(labellers.split(each["label"], multi=True)) or "no label"
    return drawn


def _train(batches: Batches, folder: Path) -> dict[str, Any]:
    loader = batches.dls.train
    pixels = loader.one_batch()[0]
    ids = data.batch_ids(loader, batches.item_ids[TRAIN], 0, len(pixels))
    plain = _plain(batches, pixels)
    items = _rows(batches.items[TRAIN], ids[:N_SHOWN])
    return {
        "train": _save(plain[:N_SHOWN], items, folder, "train"),
        "shape": list(pixels.shape),
        "before": _statistics(plain),
        "after": _statistics(pixels),
    }


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
    """Undo the normalisation: values from 0 to 1, but for what the lighting pushed beyond."""
    normalize = next(
        each for each in batches.dls.train.after_batch.fs if isinstance(each, Normalize)
    )
    return normalize.decode(pixels)


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
