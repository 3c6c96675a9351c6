"""The task `predict`: a run's model on images that it has not seen, or where it looked in one.

Always on the CPU: the device belongs to the runs, and a run may train meanwhile.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import sqlalchemy as sa
from fastai.torch_core import default_device
from fastai.vision.core import PILImage
from pydantic import Field, TypeAdapter

from core.datasets import archives, decoding, folders
from core.datasets.reading import Reading
from core.domain.errors import FolderError, InputError, NotFoundError, UnreadableImageError
from core.domain.recipes import Tta
from core.domain.values import Frozen
from core.engine import data, environment, failures, grad_cam, trained, tta, valid_views
from core.engine.prediction_parts import Looked, Parts
from core.engine.trained import Trained
from core.store import database, files, jobs, schema

MOST_AT_ONCE = 64
MOST_PIXELS = 64_000_000
"""Of the pictures that are decoded at a time: about 200 MB, whatever their sizes."""


class ImagesParams(Frozen):
    """What a prediction of images is asked for: those of a folder, or of an archive."""

    what: Literal["images"]
    dataset_id: str
    run_id: str
    folder: str | None = None
    archive: str | None = None
    import_id: str | None = None  # where the archive is unpacked
    upload_id: str | None = None  # where the images were uploaded; `folder` names it, too
    tta: Tta | None = None


class CamParams(Frozen):
    """What a Grad-CAM is asked for; without a class it is of the likeliest."""

    what: Literal["cam"]
    dataset_id: str
    run_id: str
    folder: str
    path: str
    chosen: str | None = None


class ValidParams(Frozen):
    """What test-time augmentation of a run's own valid images is asked for."""

    what: Literal["valid"]
    dataset_id: str
    run_id: str
    tta: Tta


Params = ImagesParams | CamParams | ValidParams
_PARAMS: TypeAdapter[Params] = TypeAdapter(Annotated[Params, Field(discriminator="what")])


def run(lease: jobs.Lease) -> None:
    """Do the task that a lease holds, and finish its row."""
    default_device(use=False)
    environment.set_threads()
    with database.reading() as connection:
        query = sa.select(schema.tasks).where(schema.tasks.c.id == lease.job_id)
        row = connection.execute(query).mappings().one()
    params = _PARAMS.validate_python(row["params"])
    with failures.explained(batch_size=MOST_AT_ONCE):
        if isinstance(params, CamParams):
            _cam(lease, params, key=row["key"] or lease.job_id)
        elif isinstance(params, ValidParams):
            _valid(lease, params)
        else:
            _images(lease, params)


def _valid(lease: jobs.Lease, params: ValidParams) -> None:
    lease.report(message="loading the model")
    try:
        right = valid_views.predict(params.run_id, params.tta, lease)
    except valid_views.Stopped:
        lease.finish("stopped", message="Stopped; nothing was kept")
        return
    lease.finish("finished", message="", result={"right": right})


def _images(lease: jobs.Lease, params: ImagesParams) -> None:
    began = time.monotonic()
    root = _root(lease, params)
    if root is None:
        lease.finish("stopped", message="Stopped while unpacking; nothing was predicted")
        return
    listing = folders.walk(str(root))
    paths = sorted(path for path, _size, _changed in listing.files)
    if not paths:
        raise FolderError(
            f"There is no image file in {root}.",
            hint="Choose a folder that holds JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF files.",
        )
    lease.report(message="loading the model", progress_total=len(paths))
    model = trained.load(params.run_id)
    about = _about(model, params, root, dict(listing.ignored))
    files.write_json(files.prediction_about(lease.job_id), about)
    parts = Parts(lease.job_id, model.classes)
    is_whole = _predict_all(lease, model, root, paths, parts, params.tta)
    result = {
        "n_images": parts.n_predicted,
        "n_broken": parts.n_broken,
        "seconds": round(time.monotonic() - began, 3),
    }
    stopped = "" if is_whole else "Stopped; what was predicted so far is kept"
    lease.finish("finished" if is_whole else "stopped", result=result, message=stopped)


def _root(lease: jobs.Lease, params: ImagesParams) -> Path | None:
    """Give the folder of the images; an archive is unpacked first, None where that is stopped."""
    if params.archive is None:
        return folders.resolve(params.folder or "")
    try:
        unpacked = archives.unpack(params.archive, params.import_id or lease.job_id, lease)
    finally:
        archives.drop_upload(params.archive)  # it can be uploaded again
    return None if unpacked is None else folders.resolve(unpacked["folder"])


def _about(
    model: Trained, params: ImagesParams, root: Path, ignored: dict[str, int]
) -> dict[str, Any]:
    return {
        "run_id": model.run_id,
        "classes": list(model.classes),
        "is_multi": model.is_multi,
        "threshold": model.threshold,
        "folder": str(root),
        "tta": params.tta.model_dump(mode="json") if params.tta else None,
        "ignored": ignored,
    }


def _predict_all(
    lease: jobs.Lease,
    model: Trained,
    root: Path,
    paths: Sequence[str],
    parts: Parts,
    views: Tta | None,
) -> bool:
    """Predict images until the last, or until somebody asks to stop; False then.

    A child process opens each file first: it finds what is no picture, and leaves a thumbnail.
    """
    labels = _Labels(model)
    began = time.monotonic()
    n_done = 0
    with decoding.Pool(n_children=1) as pool:
        readings = pool.read_all([str(root / path) for path in paths])
        for chunk in _chunks(zip(paths, readings, strict=True)):
            if lease.should_stop():
                break
            seen = [labels.look(path, reading) for path, reading in chunk]
            _predict_some(model, root, seen, parts, views)
            n_done += len(chunk)
            rate = n_done / (time.monotonic() - began)
            lease.report(
                progress_done=n_done,
                progress_rate=rate,
                remaining_seconds=(len(paths) - n_done) / rate,
                message="",
            )
            parts.write_if_due()
    parts.write()
    return n_done == len(paths)


def _chunks(
    readings: Iterator[tuple[str, Reading]],
) -> Iterator[list[tuple[str, Reading]]]:
    """Cut the files into chunks of so many images and pixels that memory stays bounded."""
    chunk: list[tuple[str, Reading]] = []
    n_pixels = 0
    for path, reading in readings:
        own = (reading.width_px or 0) * (reading.height_px or 0)
        if chunk and (len(chunk) == MOST_AT_ONCE or n_pixels + own > MOST_PIXELS):
            yield chunk
            chunk, n_pixels = [], 0
        chunk.append((path, reading))
        n_pixels += own
    if chunk:
        yield chunk


class _Labels:
    """Knows the class of a file whose folder is named after one; none where labels are several."""

    def __init__(self, model: Trained) -> None:
        self._known = frozenset() if model.is_multi else frozenset(model.classes)

    def look(self, path: str, reading: Reading) -> Looked:
        """Put together what is known of a file before it is predicted."""
        inner_first = reversed(path.split("/")[:-1])
        label = next((name for name in inner_first if name in self._known), None)
        return Looked(
            path=path, label=label, content_hash=reading.content_hash, reason=reading.reason
        )


def _predict_some(
    model: Trained, root: Path, seen: Sequence[Looked], parts: Parts, views: Tta | None
) -> None:
    read: list[tuple[Looked, PILImage]] = []
    for one in seen:
        try:
            if one.reason is None:
                read.append((one, model.read(root / one.path)))
            else:
                parts.add_broken([one])
        except UnreadableImageError as error:  # a child could read it: it has changed since
            reason = error.sentence.removeprefix(f"{root / one.path} ").rstrip(".")
            parts.add_broken([replace(one, reason=reason)])
    if read:
        _predict_read(model, read, parts, views)


def _predict_read(
    model: Trained, read: Sequence[tuple[Looked, PILImage]], parts: Parts, views: Tta | None
) -> None:
    """Predict pictures at once, or one by one where the transforms cannot handle one of them."""
    seen, pictures = zip(*read, strict=True)
    try:
        parts.add(seen, probabilities(model, pictures, views))
    except data.BROKEN_ITEM as error:
        if len(read) > 1:
            for one in read:
                _predict_read(model, [one], parts, views)
            return
        reason = f"could not be made into what the network takes: {error}"
        parts.add_broken([replace(seen[0], reason=reason)])


def probabilities(
    model: Trained, pictures: Sequence[PILImage], views: Tta | None = None
) -> np.ndarray:
    """Give the probabilities of each class, shape (pictures, classes), as fastai's `get_preds`."""
    loader = model.loader(pictures)
    if views is None:
        found = model.learn.get_preds(dl=loader)[0]
    else:
        found = tta.predict(model.learn, loader, n=views.n, beta=views.beta)
    return np.asarray(found)


def _cam(lease: jobs.Lease, params: CamParams, *, key: str) -> None:
    """Draw a Grad-CAM into a folder of its own, as previews are."""
    path = _inside(params.folder, params.path)
    lease.report(message="loading the model")
    model = trained.load(params.run_id)
    if params.chosen is not None and params.chosen not in model.classes:
        raise InputError(
            f"The model of the run {params.run_id} has no class {params.chosen!r}.",
            hint="Choose one of its classes.",
        )
    target = files.preview_folder(key)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        result = grad_cam.draw(model, path, chosen=params.chosen, folder=part)
        files.write_json(part / "result.json", result)
        part.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)  # what tidying may have left of an older one
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    lease.finish("finished", message="")


def _inside(folder: str, path: str) -> Path:
    """Give the path of a file below a folder; raises NotFoundError for any other."""
    root = Path(folder).resolve()
    found = (root / path).resolve()
    if not (found.is_relative_to(root) and found.is_file()):
        raise NotFoundError(
            f"The image {path} is not in {folder} any more.",
            hint="Scan the dataset, or predict the folder, again.",
        )
    return found
