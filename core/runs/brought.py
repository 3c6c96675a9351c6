"""Folders that were brought into Winnow's home, and are not opened as datasets yet."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from core.datasets import archives, catalog
from core.domain.errors import NotFoundError
from core.domain.items import Dataset, Source
from core.domain.labellers import Labeller
from core.domain.public_datasets import PUBLIC
from core.domain.runs import Task
from core.runs import rows, tasks
from core.store import database, ids, schema

SOURCES: dict[str, Source] = {"unpack": "archive", "public": "public"}
"""By the kind of the task that brought the folder."""

TASKS = schema.tasks


@dataclass(frozen=True, kw_only=True)
class Brought:
    """A folder of images that a task has made."""

    folder: str
    source: Source
    name: str  # for the dataset
    origin: str  # the archive's path, or the public dataset's title
    labeller: Labeller | None  # where it is known


def unpack(path: str) -> Task:
    """Start unpacking an archive, or join the task that does it; raises ArchiveError."""
    info = archives.check(path)
    params = {"path": info.path, "import_id": ids.new("imp"), "name": info.name}
    return tasks.start("unpack", params=params, key=f"unpack:{info.path}")


def download(name: str) -> Task:
    """Start the download of a public dataset, or join the task that does it."""
    if name not in PUBLIC:
        raise NotFoundError(
            f"There is no public dataset {name!r}.", hint="Choose one of the list."
        )
    return tasks.start("public", params={"name": name}, key=f"public:{name}")


def list_unopened() -> list[Brought]:
    """List what was brought and is no dataset yet, the newest first."""
    opened = sa.select(schema.datasets.c.root)
    query = (
        sa.select(TASKS)
        .where(TASKS.c.kind.in_(SOURCES), TASKS.c.status == "finished")
        .order_by(TASKS.c.created_at.desc())
    )
    with database.reading() as connection:
        roots = set(connection.execute(opened).scalars())
        found = [rows.task(row) for row in connection.execute(query).mappings()]
    brought = {one.folder: one for one in map(from_task, reversed(found))}
    return [one for one in reversed(brought.values()) if _is_new(one, roots)]


def find(folder: str) -> Brought | None:
    """Find out where a folder was brought from; None for a person's own."""
    real = str(Path(folder).expanduser().resolve())
    return next((one for one in list_unopened() if one.folder == real), None)


def open_folder(path: str, *, labeller: Labeller, name: str | None = None) -> Dataset:
    """Open a folder as a dataset that knows where it was brought from."""
    root = catalog.checked_root(path)
    found = find(str(root))
    return catalog.register(
        root,
        source=found.source if found else "folder",
        origin=found.origin if found else None,
        labeller=labeller,
        name=name or (found.name if found else None),
    )


def from_task(task: Task) -> Brought:
    """Say what a finished task has brought."""
    folder = str(Path(task.result["folder"]).resolve())
    if task.kind == "public":
        known = PUBLIC[task.params["name"]]
        return Brought(
            folder=folder,
            source="public",
            name=known.title,
            origin=known.title,
            labeller=known.labeller,
        )
    return Brought(
        folder=folder,
        source="archive",
        name=task.params["name"],
        origin=task.params["path"],
        labeller=None,
    )


def _is_new(one: Brought, roots: set[str]) -> bool:
    return one.folder not in roots and Path(one.folder).is_dir()
