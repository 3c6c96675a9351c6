"""The process of a task that needs no torch: `python -m core.datasets.worker TASK_ID`."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from core.datasets import applying, archives, catalog, copying, rescan, sample, scan, splits
from core.datasets.applying import running
from core.datasets.pacing import Deaf
from core.datasets.urls import downloading
from core.domain.errors import NotFoundError, WinnowError
from core.store import database, files, jobs, schema

Params = dict[str, Any]


def main(task_id: str) -> None:
    """Do one task and leave its result in its row; raises NotFoundError for an unknown task."""
    query = sa.select(schema.tasks.c.kind, schema.tasks.c.params)
    with database.reading() as connection:
        row = connection.execute(query.where(schema.tasks.c.id == task_id)).one_or_none()
    if row is None or row.kind not in WORK:
        raise NotFoundError(f"There is no task {task_id} of a kind that is done here.")
    do = WORK[row.kind]
    jobs.work(schema.tasks, task_id, lambda lease: do(lease, row.params))


def _scan(lease: jobs.Lease, params: Params) -> None:
    running.note_killed(params["dataset_id"])
    _finish(lease, scan.run(params["dataset_id"], lease))


def _compare(lease: jobs.Lease, params: Params) -> None:
    lease.report(message="Listing files")
    root = params.get("root")
    found = (
        rescan.look_elsewhere(params["dataset_id"], root)
        if root
        else rescan.look(params["dataset_id"])
    )
    lease.finish("finished", result=found, message="")


def _unpack(lease: jobs.Lease, params: Params) -> None:
    try:
        result = archives.unpack(params["path"], params["import_id"], lease)
    finally:
        archives.drop_upload(params["path"])  # it can be uploaded again
    if result is None:
        lease.finish("stopped", message="Stopped; nothing of the archive was kept")
    else:
        _finish(lease, result)


def _download(lease: jobs.Lease, params: Params) -> None:
    """Download what waits, then scan what has come: it is there to be used, however it ended."""
    dataset_id = params["dataset_id"]
    try:
        found = downloading.run(dataset_id, params, lease)
    except WinnowError:
        with contextlib.suppress(WinnowError):  # why the download failed is told, and is enough
            scan.run(dataset_id, Deaf(lease))
        raise
    scanned = scan.run(dataset_id, Deaf(lease))
    if found is None:
        lease.finish("stopped", message="Stopped; what has come is scanned, the rest waits")
    else:
        lease.finish("finished", result={**(scanned or {}), **found}, message="")


def _sample(lease: jobs.Lease, params: Params) -> None:
    lease.report(message="Drawing digits")
    sample.write()
    dataset = sample.register()
    _name_dataset(lease, dataset.id)
    result = scan.run(dataset.id, lease)
    _finish(lease, None if result is None else {"dataset_id": dataset.id, **result})


def _split(lease: jobs.Lease, params: Params) -> None:
    wished = {name: params[name] for name in ("seed", "valid_fraction") if name in params}
    split = splits.make(params["dataset_id"], **wished)
    _finish(lease, {"split_id": split.id})


def _apply(lease: jobs.Lease, params: Params) -> None:
    """Write the corrected table where one is asked for, then move files, there or back."""
    table = _corrected(lease, params) if "table" in params else {}
    known = params.get("application_id")
    if known is not None:
        go = running.take_back if params.get("undo") else running.finish
        result = go(known, lease)
    elif params.get("moves", True):
        result = running.apply(params["dataset_id"], lease, revision=params["revision"])
    else:
        result = {}
    is_stopped = result.get("is_stopped", False)
    lease.finish(
        "stopped" if is_stopped else "finished",
        result={**result, **table},
        message="Stopped between two files: finish it, or take it back" if is_stopped else "",
    )


def _corrected(lease: jobs.Lease, params: Params) -> dict[str, Any]:
    """Write a corrected table below Winnow's home, and beside the original if that is wanted."""
    wished, dataset_id = params["table"], params["dataset_id"]
    lease.report(message="Writing the table")
    path = files.export_file(lease.job_id, applying.TABLE_NAME)
    counts = applying.write_table(dataset_id, path, drop_excluded=wished["drop_excluded"])
    told: dict[str, Any] = {"file": path.name, **counts}
    if wished["beside"]:
        beside = applying.place_beside(catalog.get(dataset_id))
        files.write_bytes(beside, path.read_bytes())
        told["beside"] = str(beside)
    return {"table": told}


def _copy(lease: jobs.Lease, params: Params) -> None:
    """Write a clean copy into a folder, or the items as a table below Winnow's home."""
    if "format" in params:
        lease.report(message="Writing the table")
        path = files.export_file(lease.job_id, copying.NAMES[params["format"]])
        frame = copying.table_of_items(params["dataset_id"])
        copying.save_table(frame, path)
        lease.finish("finished", result={"file": path.name, "n_rows": len(frame)}, message="")
        return
    wish = copying.Wish.model_validate(params["wish"])
    result = copying.run(params["dataset_id"], wish, lease)
    if result is None:
        lease.finish("stopped", message="Stopped; what was written is removed again")
    else:
        lease.finish("finished", result=result, message="")


def _name_dataset(lease: jobs.Lease, dataset_id: str) -> None:
    """Let others find the task by the dataset that it scans, which it did not know before."""
    mine = sa.update(schema.tasks).where(schema.tasks.c.id == lease.job_id)
    with database.writing() as connection:
        connection.execute(mine.values(dataset_id=dataset_id))


def _finish(lease: jobs.Lease, result: dict[str, Any] | None) -> None:
    if result is None:
        lease.finish("stopped", message="Stopped; the next scan goes on from here")
    else:
        lease.finish("finished", result=result, message="")


WORK: dict[str, Callable[[jobs.Lease, Params], None]] = {
    "scan": _scan,
    "compare": _compare,
    "unpack": _unpack,
    "download": _download,
    "sample": _sample,
    "split": _split,
    "apply": _apply,
    "copy": _copy,
}


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except WinnowError as error:
        sys.exit(error.sentence)
