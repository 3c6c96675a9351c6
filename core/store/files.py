"""Every path under the home folder, and the one way to write a file."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.domain.errors import StoreError

ROOM_HINT = "Free space or correct the permissions of Winnow's home folder, then try again."


def home() -> Path:
    """Give the folder of the database, caches and runs: `WINNOW_HOME`, else `~/.winnow`."""
    path = Path(os.environ.get("WINNOW_HOME") or "~/.winnow").expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"Winnow cannot make its home folder {path}: {error.strerror}.",
            hint="Set WINNOW_HOME to a folder that you may write to, and start again.",
        ) from error
    return path


def database() -> Path:
    """Give the path of the SQLite file."""
    return home() / "winnow.db"


def lock(name: str) -> Path:
    """Give the path of a lock file, such as the dispatcher's."""
    return home() / f"{name}.lock"


def engine_folder() -> Path:
    """Give the folder where the preloaded engine process keeps its pipe, lock and log."""
    return _made(home() / "engine")


def thumbnail(content_hash: str, size_px: int) -> Path:
    """Give the path of the JPEG of an image at a longer side of `size_px`."""
    return home() / "thumbnails" / content_hash[:2] / f"{content_hash}-{size_px}.jpg"


def sample_folder() -> Path:
    """Give the folder that the sample is written to: a dataset like any other."""
    return home() / "samples" / "digits"


def sample_manifest() -> Path:
    """Give the path of the list of what was planted in the sample, kept out of the dataset."""
    return home() / "samples" / "digits-planted.json"


def imports_folder() -> Path:
    """Give the folder of what was unpacked or downloaded: each a folder of images."""
    return _made(home() / "imports")


def import_folder(import_id: str) -> Path:
    """Give the folder of one import, which exists once something was brought into it."""
    return imports_folder() / import_id


def uploads_folder() -> Path:
    """Give the folder of what was uploaded and is not used up yet; it may not be there."""
    return home() / "uploads"


def upload(upload_id: str, name: str) -> Path:
    """Give the path of an uploaded file: of an archive until it is unpacked, or of images."""
    return _made(uploads_folder() / upload_id) / name


def labels_report(dataset_id: str) -> Path:
    """Give the path of what the labeller of a dataset could not bring together, as JSON."""
    return home() / "datasets" / dataset_id / "labels.json"


def looks() -> Path:
    """Give the path of what is measured of pictures: content_hash, and a column a measure."""
    return home() / "looks.parquet"


def near_pairs() -> Path:
    """Give the path of what is known of pairs of pictures, by content: near-duplicates or not."""
    return home() / "near-pairs.parquet"


def audit_scores(dataset_id: str) -> Path:
    """Give the path of what the last audit says of each item.

    item_id, content_hash, label, part, oof_loss, pred, p_label, p_pred, outlier.
    """
    return home() / "datasets" / dataset_id / "audit-scores.parquet"


def audit_map(dataset_id: str) -> Path:
    """Give the path of the map of the last audit: item_id, x, y."""
    return home() / "datasets" / dataset_id / "audit-map.parquet"


def audit_neighbours(dataset_id: str) -> Path:
    """Give the path of each item's nearest: item_id, neighbour_id, similarity, nearest first."""
    return home() / "datasets" / dataset_id / "audit-neighbours.parquet"


def features_folder(key: str) -> Path:
    """Give the folder of the cached activations of one body, made if need be."""
    return _made(home() / "features" / key)


def run_folder(run_id: str) -> Path:
    """Give the folder of one run, made if need be."""
    return _made(home() / "runs" / run_id)


def run_log(run_id: str) -> Path:
    """Give the path of what a run printed."""
    return run_folder(run_id) / "log.txt"


def run_items(run_id: str) -> Path:
    """Give the path of a run's items: item_id, path, label, part, content_hash."""
    return run_folder(run_id) / "items.parquet"


def run_steps(run_id: str) -> Path:
    """Give the path of a run's steps once it has ended, every batch a row."""
    return run_folder(run_id) / "steps.parquet"


def run_thin_steps(run_id: str) -> Path:
    """Give the path of the thinned steps that charts read."""
    return run_folder(run_id) / "steps-thin.parquet"


def run_predictions(run_id: str) -> Path:
    """Give the path of the predictions on valid: item_id, label, pred, loss, p_0 … p_n."""
    return run_folder(run_id) / "valid-predictions.parquet"


def run_tta_predictions(run_id: str) -> Path:
    """Give the path of the predictions on valid with test-time augmentation, as those without."""
    return run_folder(run_id) / "valid-predictions-tta.parquet"


def run_train_losses(run_id: str) -> Path:
    """Give the path of what training saw of each item: epoch, item_id, loss, pred, p_pred."""
    return run_folder(run_id) / "train-losses.parquet"


def run_epoch_losses(run_id: str, epoch: int) -> Path:
    """Give the path of what one epoch's training saw, until the run has ended."""
    return run_folder(run_id) / "epochs" / f"losses-{epoch:05d}.parquet"


def run_checkpoint(run_id: str) -> Path:
    """Give the path of the state after the last whole epoch, from which a run is continued."""
    return run_folder(run_id) / "checkpoint.safetensors"


def run_beginning(run_id: str) -> Path:
    """Give the path of the weights that a run began with, where these are another run's."""
    return run_folder(run_id) / "beginning.safetensors"


def run_weights(run_id: str) -> Path:
    """Give the path of the weights, with a JSON of the same name beside them."""
    return run_folder(run_id) / "model.safetensors"


def run_model(run_id: str) -> Path:
    """Give the path of the JSON that says how to build and feed the model."""
    return run_folder(run_id) / "model.json"


def task_log(task_id: str) -> Path:
    """Give the path of what a task printed."""
    return _made(home() / "tasks" / task_id) / "log.txt"


def prediction_folder(task_id: str) -> Path:
    """Give the folder of what a predict task has predicted, which it makes."""
    return home() / "predictions" / task_id


def prediction_about(task_id: str) -> Path:
    """Give the path of the JSON that says what predicted which images, and how."""
    return prediction_folder(task_id) / "about.json"


def prediction_part(task_id: str, number: int) -> Path:
    """Give the path of one table of predictions; a task writes them one after the other."""
    return prediction_folder(task_id) / f"part-{number:05d}.parquet"


def prediction_parts(task_id: str) -> list[Path]:
    """List the tables of predictions that are written so far, in their order."""
    return sorted(prediction_folder(task_id).glob("part-*.parquet"))


def prediction_csv(task_id: str) -> Path:
    """Give the path of the table that a person takes away."""
    return prediction_folder(task_id) / "predictions.csv"


def export_folder(task_id: str) -> Path:
    """Give the folder of what an export task has made; it may not be there."""
    return home() / "exports" / task_id


def export_file(task_id: str, name: str) -> Path:
    """Give the path of the one file that an export task makes; its name is Winnow's own."""
    return export_folder(task_id) / name


def preview_folder(key: str) -> Path:
    """Give the folder of a preview's result, which exists once the result is whole."""
    return _made(home() / "previews") / key


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is read either whole or not at all, also after a crash."""
    write_with(path, lambda part: part.write_bytes(content))


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_bytes(path, json.dumps(value, indent=1, ensure_ascii=False).encode())


def load_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place.

    The order is the one of ALICE (OSDI '14): sync the file, rename, sync the folder.
    """
    part: Path | None = None
    try:
        _made(path.parent)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        part = Path(name)
        write(part)
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error.strerror or error}.", hint=ROOM_HINT
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} could not be made: {error.strerror or error}.", hint=ROOM_HINT
        ) from error
    return folder


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
