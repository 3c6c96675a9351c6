"""The exports that are a zip: weights with a JSON and a README, and the plain script."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.domain.errors import NotFoundError
from core.engine import outputs
from core.engine.exporting import reading_lines
from core.engine.trained import Trained
from core.store import files, frames

WEIGHTS = "model.safetensors"
BEGINNING = "begins_from.safetensors"


def save_weights(model: Trained, about: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Write weights, a JSON that says all about them, and a README with the lines that load them.

    `about` says where the model comes from: run, dataset, revision, fingerprint, versions.
    """
    facts = {
        **outputs.load_facts(model.run_id),
        "resize": model.recipe.resize,
        "normalisation": model.recipe.normalisation,
        "threshold": model.threshold,
        "is_sigmoid": model.is_sigmoid,
        **about,
    }
    texts = {
        "model.json": json.dumps(facts, indent=1, ensure_ascii=False),
        "README.txt": reading_lines.readme(model),
    }
    _write(path, texts, {WEIGHTS: files.run_weights(model.run_id)})
    return {"notes": []}


def save_script(
    run_id: str,
    texts: Mapping[str, str],
    path: Path,
    *,
    columns: Sequence[str],
    begins_from: str | None,
) -> dict[str, Any]:
    """Write a plain script with its README, the run's items, and weights that it begins with."""
    taken = {}
    if begins_from is not None:
        weights = files.run_beginning(run_id)
        if not weights.exists():
            raise NotFoundError(
                f"The weights that this run began with are gone: {weights} is not there.",
                hint="Without them the training cannot be repeated.",
            )
        taken[BEGINNING] = weights
    items = frames.load(files.run_items(run_id), list(columns))
    rows = io.StringIO(newline="")
    writer = csv.writer(rows)
    writer.writerow(columns)
    writer.writerows(items.itertuples(index=False, name=None))
    _write(path, {**texts, "items.csv": rows.getvalue()}, taken)
    return {"notes": []}


def _write(path: Path, texts: Mapping[str, str], taken: Mapping[str, Path]) -> None:
    files.write_with(path, _filler(texts, taken))


def _filler(texts: Mapping[str, str], taken: Mapping[str, Path]) -> Callable[[Path], None]:
    def fill(part: Path) -> None:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in texts.items():
                archive.writestr(name, content.encode("utf-8", errors="surrogateescape"))
            for name, source in taken.items():  # weights hardly become smaller
                archive.write(source, name, compress_type=zipfile.ZIP_STORED)

    return fill
