"""The task `preview`: what the network would see, and how large it is, into a folder of its own.

Always on the CPU: the device belongs to the runs.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastai.torch_core import default_device
from pydantic import Field, TypeAdapter

from core.datasets import catalog
from core.domain.plans import Plan
from core.domain.values import Frozen
from core.engine import describing, environment, failures, models, pictures, summary
from core.store import database, files, jobs, schema


class BatchParams(Frozen):
    """What a preview of batches is asked for; without an item, the first train item is varied."""

    what: Literal["batch"]
    dataset_id: str
    plan: Plan
    revision: int
    item_id: int | None = None


class SummaryParams(Frozen):
    """What a summary of the data block is asked for."""

    what: Literal["summary"]
    dataset_id: str
    plan: Plan
    revision: int


class ParametersParams(Frozen):
    """What a count of parameters is asked for."""

    what: Literal["parameters"]
    dataset_id: str | None = None
    plan: Plan
    n_classes: Annotated[int, Field(ge=2)]


Params = Annotated[BatchParams | SummaryParams | ParametersParams, Field(discriminator="what")]
_PARAMS: TypeAdapter[BatchParams | SummaryParams | ParametersParams] = TypeAdapter(Params)


def run(lease: jobs.Lease) -> None:
    """Do the preview that a lease holds, and finish its row."""
    default_device(use=False)
    environment.set_threads()
    with database.reading() as connection:
        query = sa.select(schema.tasks).where(schema.tasks.c.id == lease.job_id)
        row = connection.execute(query).mappings().one()
    params = _PARAMS.validate_python({**row["params"], "dataset_id": row["dataset_id"]})
    target = files.preview_folder(row["key"] or lease.job_id)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        lease.report(message=f"making the {params.what}")
        result = _made(params, part)
        files.write_json(part / "result.json", result)
        _put_in_place(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    lease.finish("finished", message="")


def _made(params: BatchParams | SummaryParams | ParametersParams, folder: Path) -> dict[str, Any]:
    if isinstance(params, BatchParams):
        return _batch(params, folder)
    if isinstance(params, SummaryParams):
        return _summary(params)
    return _parameters(params, folder)


def _batch(params: BatchParams, folder: Path) -> dict[str, Any]:
    recipe = params.plan.recipe
    frame = describing.items(params.dataset_id, params.plan, revision=params.revision)
    with failures.explained(batch_size=recipe.batch_size_of(recipe.stages[0])):
        return pictures.draw(
            frame,
            describing.root(params.dataset_id),
            params.plan,
            item_id=params.item_id,
            folder=folder,
            multi=catalog.get(params.dataset_id).is_multi_label,
        )


def _summary(params: SummaryParams) -> dict[str, Any]:
    dataset = catalog.get(params.dataset_id)
    frame = describing.items(dataset.id, params.plan, revision=params.revision)
    multi = dataset.is_multi_label
    return summary.describe(frame, Path(dataset.root), params.plan, multi=multi)


def _parameters(params: ParametersParams, folder: Path) -> dict[str, Any]:
    stages = models.count_stages(params.plan.recipe, n_classes=params.n_classes, path=folder)
    return {"stages": stages, "n_params": stages[0]["n_params"]}


def _put_in_place(part: Path, target: Path) -> None:
    part.chmod(0o755)
    try:
        part.rename(target)
    except OSError:
        if not (target / "result.json").exists():  # else another task made the same: as good
            raise
