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

KINDS = ("unpack", "public")
"""The kinds of tasks that bring a folder."""

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
    with database.reading() as connection:
        roots = set(connection.execute(sa.select(schema.datasets.c.root)).scalars())
    return [one for one in _list() if one.folder not in roots and Path(one.folder).is_dir()]


def find(folder: str) -> Brought | None:
    """Find out where a folder was brought from; None for a person's own."""
    real = str(Path(folder).expanduser().resolve())
    return next((one for one in _list() if one.folder == real), None)


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


def from_task(task: Task) -> Brought | None:
    """Say what a finished task has brought; None for a public dataset that is known no more."""
    folder = str(Path(task.result["folder"]).resolve())
    if task.kind == "unpack":
        return Brought(
            folder=folder,
            source="archive",
            name=task.params["name"],
            origin=_origin(task.params["path"]),
            labeller=None,
        )
    known = PUBLIC.get(task.params["name"])
    if known is None:
        return None
    return Brought(
        folder=folder,
        source="public",
        name=known.title,
        origin=known.title,
        labeller=known.labeller,
    )


def _origin(path: str) -> str:
    """Name an archive by its path, an upload by its name: the kept copy is gone."""
    return f"the upload {Path(path).name}" if archives.is_upload(path) else path


def _list() -> list[Brought]:
    """List what was ever brought, the newest first, each folder once."""
    query = (
        sa.select(TASKS)
        .where(TASKS.c.kind.in_(KINDS), TASKS.c.status == "finished")
        .order_by(TASKS.c.created_at)
    )
    with database.reading() as connection:
        found = [from_task(rows.task(row)) for row in connection.execute(query).mappings()]
    by_folder = {one.folder: one for one in found if one is not None}
    return list(reversed(by_folder.values()))
