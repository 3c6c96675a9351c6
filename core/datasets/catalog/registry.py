"""Datasets as rows: registered folders, each with its labeller, each pair once."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.datasets import folders
from core.domain import labellers
from core.domain.errors import ConflictError, FolderError, InputError, NotFoundError
from core.domain.items import Dataset, Source
from core.domain.jobs import ACTIVE, WAITING
from core.domain.labellers import FolderLabeller, Labeller
from core.store import clock, database, files, ids, schema

MAX_NAME = 120
DATASETS = schema.datasets


def open_folder(
    path: str, *, labeller: Labeller | None = None, name: str | None = None
) -> Dataset:
    """Register a folder, or find it again by its real path and labeller; a scan then reads it.

    A dataset that was removed comes back as it was. Raises FolderError where the folder does not
    exist, is a file, may not be read, or is Winnow's own.
    """
    return register(checked_root(path), source="folder", labeller=labeller, name=name)


def checked_root(path: str) -> Path:
    """Give the real path of a folder that can be a dataset's; raises FolderError."""
    real = folders.resolve(path)
    if real.is_relative_to(files.home().resolve()) and not _is_brought(real):
        raise FolderError(
            f"The folder {real} belongs to Winnow itself.",
            hint="Choose a folder of images; Winnow keeps its own files in its home folder.",
        )
    return real


def register(
    root: Path,
    *,
    source: Source,
    labeller: Labeller | None = None,
    name: str | None = None,
    origin: str | None = None,
) -> Dataset:
    """Insert a dataset for a real path and a labeller, unless there is one already."""
    if not folders.is_text(str(root)):
        raise FolderError(
            f"The path {str(root)!r} has bytes that are not valid text.",
            hint="Rename the folder, or link its files into one with an ordinary name.",
        )
    wanted = labeller or FolderLabeller()
    values = {
        "id": ids.new("ds"),
        "name": (name or root.name or str(root))[:MAX_NAME],
        "root": str(root),
        "labeller": wanted.model_dump(mode="json"),
        "source": source,
        "origin": origin,
        "revision": 0,
        "created_at": clock.now(),
        "ignored": {},
    }
    with database.writing() as connection:
        found = _of_root(connection, str(root), wanted)
        if found is None:
            connection.execute(sa.insert(DATASETS).values(**values))
            return _dataset(_row(connection, str(values["id"])))
        if found.removed_at is not None:
            mine = sa.update(DATASETS).where(DATASETS.c.id == found.id)
            connection.execute(mine.values(removed_at=None))
        return _dataset(_row(connection, found.id))


def list_datasets() -> list[Dataset]:
    """List all datasets but the removed ones, the newest first."""
    query = sa.select(DATASETS).where(DATASETS.c.removed_at.is_(None))
    with database.reading() as connection:
        rows = connection.execute(query.order_by(DATASETS.c.created_at.desc())).all()
    return [_dataset(row) for row in rows]


def list_removed() -> list[Dataset]:
    """List the datasets that are hidden, the last removed first."""
    query = sa.select(DATASETS).where(DATASETS.c.removed_at.is_not(None))
    with database.reading() as connection:
        rows = connection.execute(query.order_by(DATASETS.c.removed_at.desc())).all()
    return [_dataset(row) for row in rows]


def list_of_root(root: str) -> list[Dataset]:
    """List the datasets of a real path, whatever their labellers; removed ones are left out."""
    return [one for one in list_datasets() if one.root == root]


def get(dataset_id: str) -> Dataset:
    """Get a dataset; raises NotFoundError, also for a removed one."""
    query = sa.select(DATASETS).where(DATASETS.c.id == dataset_id)
    with database.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"There is no dataset {dataset_id}.", hint="Open its folder on the datasets page."
        )
    if row.removed_at is not None:
        raise NotFoundError(
            f"The dataset {row.name} was removed from Winnow.",
            hint=f"Open its folder again to bring it back as it was: {row.root}",
        )
    return _dataset(row)


def rename(dataset_id: str, name: str) -> Dataset:
    """Give a dataset another name; its folder keeps its own."""
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME:
        raise InputError(
            f"A dataset's name has 1 to {MAX_NAME} characters, not {len(name)}.",
            hint="Type a short name.",
        )
    return _change(dataset_id, name=name)


def move(dataset_id: str, path: str) -> Dataset:
    """Point a dataset to the place that its folder has now; a scan then matches the files.

    Edits, splits and runs stay. Raises FolderError for a folder that cannot be listed, and
    ConflictError where another dataset has that folder already, or work is under way on this one.
    """
    real = checked_root(path)
    dataset = get(dataset_id)
    with database.writing() as connection:
        _check_idle(connection, dataset)
        other = _of_root(connection, str(real), dataset.labeller)
        if other is not None and other.id != dataset_id and other.removed_at is None:
            raise ConflictError(
                f"The folder {real} is the dataset {other.name} already.",
                hint="Remove that dataset first if both are the same images.",
            )
        mine = sa.update(DATASETS).where(DATASETS.c.id == dataset_id)
        connection.execute(mine.values(root=str(real)))
    return get(dataset_id)


def remove(dataset_id: str) -> None:
    """Hide a dataset and its runs; no file is touched, and opening its folder brings all back.

    Raises ConflictError while a run or a task works on it.
    """
    dataset = get(dataset_id)
    with database.writing() as connection:
        _check_idle(connection, dataset)
        mine = sa.update(DATASETS).where(DATASETS.c.id == dataset_id)
        connection.execute(mine.values(removed_at=clock.now()))


def bring_back(dataset_id: str) -> Dataset:
    """Show a removed dataset again, with its edits and runs.

    Raises ConflictError where another one was pointed to its folder meanwhile.
    """
    mine = DATASETS.c.id == dataset_id
    with database.writing() as connection:
        row = _row(connection, dataset_id)
        other = _of_root(connection, row.root, labellers.parse(row.labeller))
        if other.removed_at is None and other.id != dataset_id:
            raise ConflictError(
                f"The folder {row.root} is the dataset {other.name} now.",
                hint="Remove that dataset first if both are the same images.",
            )
        connection.execute(sa.update(DATASETS).where(mine).values(removed_at=None))
    return get(dataset_id)


def _change(dataset_id: str, **columns: object) -> Dataset:
    mine = sa.update(DATASETS).where(DATASETS.c.id == dataset_id)
    with database.writing() as connection:
        connection.execute(mine.values(**columns))
    return get(dataset_id)


def _check_idle(connection: sa.Connection, dataset: Dataset) -> None:
    for table, words in ((schema.runs, "A run"), (schema.tasks, "A task")):
        query = sa.select(table.c.id).where(
            table.c.dataset_id == dataset.id, table.c.status.in_((*ACTIVE, *WAITING))
        )
        if table is schema.tasks:
            query = query.where(table.c.kind != "preview")
        if connection.execute(query.limit(1)).first() is not None:
            raise ConflictError(
                f"{words} is under way on the dataset {dataset.name}.",
                hint="Wait until it has ended, or stop it first.",
            )


def _of_root(connection: sa.Connection, root: str, labeller: Labeller) -> Any:
    """Find the row of a root and a labeller, one in use before a removed one."""
    query = sa.select(DATASETS).where(DATASETS.c.root == root)
    rows = connection.execute(query.order_by(DATASETS.c.created_at.desc())).all()
    same = [row for row in rows if labellers.parse(row.labeller) == labeller]
    return min(same, key=lambda row: row.removed_at is not None, default=None)


def _row(connection: sa.Connection, dataset_id: str) -> Any:
    return connection.execute(sa.select(DATASETS).where(DATASETS.c.id == dataset_id)).one()


def _is_brought(real: Path) -> bool:
    """Say whether a folder of Winnow's home holds images that were brought there."""
    places = (files.sample_folder().parent.resolve(), files.imports_folder().resolve())
    return any(real.is_relative_to(place) and real != place for place in places)


def _dataset(row: Any) -> Dataset:
    return Dataset(
        id=row.id,
        name=row.name,
        root=row.root,
        labeller=labellers.parse(row.labeller),
        source=row.source,
        origin=row.origin,
        revision=row.revision,
        created_at=row.created_at,
        scanned_at=row.scanned_at,
        ignored=row.ignored,
    )
