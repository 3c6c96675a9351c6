"""The task `export`: a run's model, or its training, as a file that works without Winnow.

Always on the CPU. Each format is one file: `fastai` a learner (.pkl), `safetensors` a zip of
weights, JSON and README, `onnx` a graph (.onnx), `script` a zip of plain Python and its items.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from fastai.torch_core import default_device

from core.domain.values import Frozen
from core.engine import environment, trained
from core.engine.exporting import bundles, learner, to_onnx
from core.store import database, files, jobs, schema

NAMES = {
    "fastai": "learner.pkl",
    "safetensors": "model.zip",
    "onnx": "model.onnx",
    "script": "train.zip",
}


class ExportParams(Frozen):
    """What an export is asked for; `about` says where the model comes from."""

    dataset_id: str
    run_id: str
    format: Literal["fastai", "safetensors", "onnx", "script"]
    about: dict[str, Any]
    script: str = ""  # the text of a plain script, and what goes with it
    readme: str = ""
    columns: tuple[str, ...] = ("path", "label", "part")  # of the script's items
    begins_from: str | None = None  # the run whose weights the script begins with


def run(lease: jobs.Lease) -> None:
    """Do the task that a lease holds, and finish its row.

    The result has `file`, the name in the task's folder, and what is to be said of it: `notes`,
    and for ONNX `most_difference`. Raises EngineError, NotFoundError and InputError.
    """
    default_device(use=False)
    environment.set_threads()
    with database.reading() as connection:
        query = sa.select(schema.tasks.c.params).where(schema.tasks.c.id == lease.job_id)
        params = ExportParams.model_validate(connection.execute(query).scalar_one())
    name = NAMES[params.format]
    facts = _MAKERS[params.format](params, files.export_file(lease.job_id, name), lease)
    lease.finish("finished", message="", result={"file": name, **facts})


def _fastai(params: ExportParams, path: Path, lease: jobs.Lease) -> dict[str, Any]:
    lease.report(message="building the learner")
    return learner.save(trained.load(params.run_id), path)


def _onnx(params: ExportParams, path: Path, lease: jobs.Lease) -> dict[str, Any]:
    to_onnx.check_installed()
    lease.report(message="writing the graph")
    return to_onnx.save(trained.load(params.run_id), params.about, path)


def _safetensors(params: ExportParams, path: Path, lease: jobs.Lease) -> dict[str, Any]:
    lease.report(message="packing the weights")
    return bundles.save_weights(trained.load(params.run_id), params.about, path)


def _script(params: ExportParams, path: Path, lease: jobs.Lease) -> dict[str, Any]:
    lease.report(message="packing the script")
    texts = {"train.py": params.script, "README.txt": params.readme}
    return bundles.save_script(
        params.run_id, texts, path, columns=params.columns, begins_from=params.begins_from
    )


_MAKERS: dict[str, Callable[[ExportParams, Path, jobs.Lease], dict[str, Any]]] = {
    "fastai": _fastai,
    "safetensors": _safetensors,
    "onnx": _onnx,
    "script": _script,
}
