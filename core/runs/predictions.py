"""Predictions of a run's model on other images: start them, find them, and ask where it looks."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from core.datasets import archives, catalog, folders, images
from core.datasets.archives import uploads
from core.domain.errors import InputError, NotFoundError
from core.domain.items import Item
from core.domain.jobs import ENDED
from core.domain.recipes import Tta
from core.domain.runs import Run, Task
from core.runs import previews, rows, runs, tasks
from core.runs.previews import Preview
from core.store import database, files, ids, schema

TASKS = schema.tasks
KEY = "predict:"
"""Before the key of a prediction of images; that of a Grad-CAM is a hash, as a preview's."""

VALID_KEY = "valid-views:"
"""Before the key of a prediction of a run's own valid images."""

MOST_KEPT = 20
MOST_UPLOADS = 1000
Upload = tuple[str, BinaryIO]
"""The name of a file, as a stranger gave it, and its content."""


def list_models(dataset_id: str) -> list[Run]:
    """List the runs of a dataset that have left a model, the newest first."""
    return [run for run in runs.list_runs(dataset_id) if has_model(run.id)]


def has_model(run_id: str) -> bool:
    """Say whether a run has left weights, and what says how to use them."""
    return files.run_weights(run_id).exists() and files.run_model(run_id).exists()


def of_folder(run_id: str, path: str, *, views: Tta | None = None) -> Task:
    """Start predicting the images of a folder on this machine; raises FolderError."""
    return _start(run_id, {"folder": str(folders.resolve(path))}, views)


def of_archive(run_id: str, path: str, *, views: Tta | None = None) -> Task:
    """Start predicting the images of an archive; raises ArchiveError."""
    info = archives.check(path)
    return _start(run_id, {"archive": info.path}, views, import_id=ids.new("imp"))


def of_uploads(run_id: str, given: Sequence[Upload], *, views: Tta | None = None) -> Task:
    """Keep uploaded images below Winnow's home, and start predicting them.

    Raises InputError where they are too many or too large, and StoreError where there is no room.
    """
    _check_uploads(given)
    upload_id = ids.new("upload")
    folder = files.uploads_folder() / upload_id
    try:
        for name, content in _named_apart(given):
            files.write_with(files.upload(upload_id, name), _copier(content))
        return _start(run_id, {"folder": str(folder), "upload_id": upload_id}, views)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def list_kept(dataset_id: str) -> list[Task]:
    """List the predictions of a dataset's runs that are under way or kept, the newest first."""
    found = [task for task in _list() if task.dataset_id == dataset_id]
    return [task for task in found if task.status not in ENDED or _is_readable(task)]


def find(task_id: str) -> Task | None:
    """Find a prediction by its task; None where there is none, or it was removed as old."""
    try:
        task = tasks.get(task_id)
    except NotFoundError:
        return None
    return task if task.kind == "predict" and task.params.get("what") == "images" else None


def source(task: Task) -> str:
    """Name what was predicted: the folder, the archive, or the images that were uploaded."""
    if task.params.get("upload_id"):
        return "uploaded images"
    return Path(task.params.get("archive") or task.params["folder"]).name or "/"


def request_cam(task: Task, path: str, *, chosen: str | None = None) -> Preview:
    """Ask where in an image of a prediction its model finds what speaks for a class.

    Without a class it is the likeliest. The result names two JPEGs, `plain` and `cam`
    (`previews.find_image`), the `class`, its `probability`, and whether the map `is_empty`.
    """
    folder = files.load_json(files.prediction_about(task.id))["folder"]
    params = {
        "what": "cam",
        "run_id": task.run_id,
        "folder": folder,
        "path": path,
        "chosen": chosen,
    }
    made_of = [task.id, runs.get(str(task.run_id)).n_continued, params]
    return previews.request(
        "predict", str(task.dataset_id), params, key_of=made_of, run_id=task.run_id
    )


def request_cam_of_item(run_id: str, item: Item, *, chosen: str | None = None) -> Preview:
    """Ask the same of an image of a dataset, by any run that has left a model.

    Raises NotFoundError where the run has left none, and InputError where the image has no file
    that can be read.
    """
    run = runs.get(run_id)
    _check_model(run)
    if item.status != "ok":
        raise InputError(
            f"The image {item.path} is {item.status}, so no model can look at it.",
            hint="Choose another image, or bring the file back and scan again.",
        )
    params = {
        "what": "cam",
        "run_id": run_id,
        "folder": catalog.get(item.dataset_id).root,
        "path": item.path,
        "chosen": chosen,
    }
    made_of = [run_id, run.n_continued, item.id, item.content_hash, chosen]
    return previews.request("predict", run.dataset_id, params, key_of=made_of, run_id=run_id)


def of_valid(run_id: str, views: Tta) -> Task:
    """Start predicting a run's own valid images with test-time augmentation.

    They are kept beside the plain ones; those of an earlier time are replaced.
    """
    run = runs.get(run_id)
    plain = views.model_dump(mode="json")
    ours = {"dataset_id": run.dataset_id, "run_id": run_id}
    params = {"what": "valid", "run_id": run_id, "tta": plain}
    return tasks.start("predict", params=params, key=f"{VALID_KEY}{run_id}", **ours)


def find_of_valid(run_id: str) -> Task | None:
    """Find the newest task that predicted a run's valid images with augmentation."""
    return tasks.find_by_key(f"{VALID_KEY}{run_id}")


def tidy() -> None:
    """Remove the files of all predictions but those under way and the newest twenty."""
    for task in [one for one in _list() if one.status in ENDED][MOST_KEPT:]:
        shutil.rmtree(files.prediction_folder(task.id), ignore_errors=True)
        if task.params.get("upload_id"):
            shutil.rmtree(files.uploads_folder() / task.params["upload_id"], ignore_errors=True)
        if task.params.get("archive"):
            archives.drop_upload(task.params["archive"])  # it is still there if nobody began
            _drop_import(task.params["import_id"])


def _start(
    run_id: str, given: dict[str, str], views: Tta | None, *, import_id: str | None = None
) -> Task:
    run = runs.get(run_id)
    _check_model(run)
    tidy()
    plain = views.model_dump(mode="json") if views else None
    params = {"what": "images", "run_id": run_id, "tta": plain, **given}
    key = KEY + json.dumps(params, sort_keys=True)  # a second click joins the first
    more = {"import_id": import_id} if import_id else {}
    return tasks.start(
        "predict",
        dataset_id=run.dataset_id,
        run_id=run_id,
        params={**params, **more},
        key=key,
    )


def _check_model(run: Run) -> None:
    if not has_model(run.id):
        raise NotFoundError(
            f"The run {run.name} has left no model.",
            hint="Choose a run that finished, or was stopped after its first batch.",
        )


def _list() -> list[Task]:
    query = (
        sa.select(TASKS)
        .where(TASKS.c.kind == "predict", TASKS.c.key.startswith(KEY))
        .order_by(TASKS.c.created_at.desc())
    )
    with database.reading() as connection:
        return [rows.task(row) for row in connection.execute(query).mappings()]


def _is_readable(task: Task) -> bool:
    return files.prediction_about(task.id).exists()


def _drop_import(import_id: str) -> None:
    """Remove what an archive was unpacked to, unless it was opened as a dataset since."""
    folder = files.import_folder(import_id).resolve()
    datasets = [*catalog.list_datasets(), *catalog.list_removed()]
    if not any(Path(dataset.root).is_relative_to(folder) for dataset in datasets):
        shutil.rmtree(folder, ignore_errors=True)
        (files.imports_folder() / f"{import_id}.json").unlink(missing_ok=True)


def _check_uploads(given: Sequence[Upload]) -> None:
    if not given:
        raise InputError("No image was chosen.", hint="Drop images onto the field first.")
    if len(given) > MOST_UPLOADS:
        raise InputError(
            f"{len(given):,} images are more than the {MOST_UPLOADS:,} that can be uploaded "
            "at once.",
            hint="Put them into a folder or an archive, and name that.",
        )
    for name, content in given:
        if content.seek(0, 2) > images.MAX_BYTES:
            raise InputError(
                f"{uploads.safe_name(name)} is larger than {images.MAX_BYTES // 1024**2} MB.",
                hint="Leave it out, or save it smaller.",
            )


def _named_apart(given: Sequence[Upload]) -> list[Upload]:
    """Give each file a harmless name of its own; the second `a.jpg` becomes `a (2).jpg`."""
    taken: set[str] = set()
    named = []
    for name, content in given:
        plain = Path(uploads.safe_name(name))
        unique, number = plain.name, 2
        while unique.casefold() in taken:
            unique, number = f"{plain.stem} ({number}){plain.suffix}", number + 1
        taken.add(unique.casefold())
        named.append((unique, content))
    return named


def _copier(content: BinaryIO) -> Callable[[Path], None]:
    content.seek(0)

    def copy(path: Path) -> None:
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)

    return copy
