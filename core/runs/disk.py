"""What goes to disk: edits applied and taken back, clean copies, tables; started and found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from core.datasets import applying, copying
from core.domain.errors import ConflictError
from core.domain.runs import Task
from core.runs import rows, tasks
from core.store import database, files, schema


@dataclass(frozen=True, kw_only=True)
class TableWish:
    """A corrected table that an application writes as well."""

    drop_excluded: bool = True
    beside: bool = False  # also beside the table that labels are read from


@dataclass(frozen=True, kw_only=True)
class Made:
    """A file that a task has left below Winnow's home."""

    path: Path
    n_bytes: int

    def open(self) -> BinaryIO:
        """Open the file, when somebody takes it along."""
        return self.path.open("rb")


def apply(
    dataset_id: str, *, revision: int, moves: bool = True, table: TableWish | None = None
) -> Task:
    """Start carrying the edits of a revision out on disk; nothing moves without `moves`.

    Raises ConflictError while a run or another task works with the files, of this dataset or of
    another one on the same files.
    """
    applying.check_idle(dataset_id)
    params: dict[str, Any] = {"revision": revision, "moves": moves}
    if table is not None:
        params["table"] = {"drop_excluded": table.drop_excluded, "beside": table.beside}
    return tasks.start("apply", dataset_id=dataset_id, params=params)


def finish(dataset_id: str, application_id: str) -> Task:
    """Go on with an application that was stopped or killed; raises ConflictError as `apply`."""
    applying.check_idle(dataset_id)
    params = {"application_id": application_id}
    return tasks.start("apply", dataset_id=dataset_id, params=params)


def take_back(dataset_id: str, application_id: str) -> Task:
    """Start moving all of an application back; raises ConflictError as `apply`."""
    applying.check_idle(dataset_id)
    params = {"application_id": application_id, "undo": True}
    return tasks.start("apply", dataset_id=dataset_id, params=params)


def leave(dataset_id: str, application_id: str) -> int:
    """End a taking back without the files that it cannot bring back; gives how many stay.

    Raises ConflictError while it still works.
    """
    if tasks.find_active("apply", dataset_id) is not None:
        raise ConflictError(
            "Files of this dataset are being moved.",
            hint="Wait for that to end, or stop it first.",
        )
    return applying.leave(application_id)


def copy(dataset_id: str, wish: copying.Wish) -> Task:
    """Start writing a clean copy; raises FolderError where its folder is neither new nor empty."""
    copying.checked_target(wish.folder)
    params = {"wish": wish.model_dump(mode="json")}
    return tasks.start("copy", dataset_id=dataset_id, params=params, key=f"copy:{dataset_id}")


def write_items(dataset_id: str, format: copying.Format) -> Task:  # noqa: A002
    """Start writing the items as a table to take along; an older one is replaced."""
    key = f"items:{dataset_id}:{format}"
    return tasks.start("copy", dataset_id=dataset_id, params={"format": format}, key=key)


def find_apply(dataset_id: str) -> Task | None:
    """Find the newest task that moved files, or wrote a corrected table, ended or not."""
    return tasks.find_latest("apply", dataset_id)


def find_copy(dataset_id: str) -> Task | None:
    """Find the newest task that writes, or wrote, a clean copy."""
    return tasks.find_by_key(f"copy:{dataset_id}")


def find_items(dataset_id: str, format: copying.Format) -> Task | None:  # noqa: A002
    """Find the newest task that writes, or wrote, the items as a table."""
    return tasks.find_by_key(f"items:{dataset_id}:{format}")


def file_of(task: Task) -> Made | None:
    """Give the table that a task left below Winnow's home, as long as it is there."""
    name = task.result.get("file") or task.result.get("table", {}).get("file")
    path = files.export_file(task.id, name) if name else None
    if task.status != "finished" or path is None or not path.is_file():
        return None
    return Made(path=path, n_bytes=path.stat().st_size)


def find_table(dataset_id: str) -> tuple[Task, Made] | None:
    """Find the newest corrected table of a dataset that is still there."""
    for task in _list_applied(dataset_id):
        made = file_of(task)
        if made is not None:
            return task, made
    return None


def _list_applied(dataset_id: str) -> Sequence[Task]:
    table = schema.tasks
    query = sa.select(table).where(table.c.kind == "apply", table.c.dataset_id == dataset_id)
    with database.reading() as connection:
        found = connection.execute(query.order_by(table.c.created_at.desc())).mappings()
        return [rows.task(row) for row in found]


def find_open(dataset_id: str) -> applying.Application | None:
    """Find the application whose process was stopped or killed; None while it works."""
    if tasks.find_active("apply", dataset_id) is not None:
        return None
    return applying.find_open(dataset_id)
