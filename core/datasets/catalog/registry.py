"""Datasets as rows: registered folders, each once."""

from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from core.datasets import folders
from core.domain.errors import FolderError, InputError, NotFoundError
from core.domain.items import Dataset, Labeller
from core.store import clock, database, files, ids, schema

MAX_NAME = 120


def open_folder(path: str) -> Dataset:
    """Register a folder, or find it again by its real path; a scan then reads what is in it.

    Raises FolderError where it does not exist, is a file, may not be read, or is Winnow's own.
    """
    real = folders.resolve(path)
    home = files.home().resolve()
    samples = files.sample_folder().parent.resolve()
    if real.is_relative_to(home) and not (real.is_relative_to(samples) and real != samples):
        raise FolderError(
            f"The folder {real} belongs to Winnow itself.",
            hint="Choose a folder of images; Winnow keeps its own files in its home folder.",
        )
    return register(real, source="folder")


def register(
    root: Path, *, source: Literal["folder", "sample"], name: str | None = None
) -> Dataset:
    """Insert a dataset for a real path, unless there is one already."""
    if not _is_text(str(root)):
        raise FolderError(
            f"The path {str(root)!r} has bytes that are not valid text.",
            hint="Rename the folder, or link its files into one with an ordinary name.",
        )
    values = {
        "id": ids.new("ds"),
        "name": name or root.name or str(root),
        "root": str(root),
        "labeller": Labeller().model_dump(),
        "source": source,
        "revision": 0,
        "created_at": clock.now(),
        "ignored": {},
    }
    with database.writing() as connection:
        query = sa.select(schema.datasets).where(schema.datasets.c.root == str(root))
        row = connection.execute(query).one_or_none()
        if row is None:
            connection.execute(sa.insert(schema.datasets).values(**values))
            row = connection.execute(query).one()
    return _dataset(row)


def list_datasets() -> list[Dataset]:
    """List all datasets, the newest first."""
    query = sa.select(schema.datasets).order_by(schema.datasets.c.created_at.desc())
    with database.reading() as connection:
        return [_dataset(row) for row in connection.execute(query)]


def get(dataset_id: str) -> Dataset:
    """Get a dataset; raises NotFoundError."""
    query = sa.select(schema.datasets).where(schema.datasets.c.id == dataset_id)
    with database.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"There is no dataset {dataset_id}.", hint="Open its folder on the start page."
        )
    return _dataset(row)


def find_by_root(root: str) -> Dataset | None:
    """Find the dataset of a real path."""
    query = sa.select(schema.datasets).where(schema.datasets.c.root == root)
    with database.reading() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _dataset(row)


def rename(dataset_id: str, name: str) -> Dataset:
    """Give a dataset another name; its folder keeps its own."""
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME:
        raise InputError(
            f"A dataset's name has 1 to {MAX_NAME} characters, not {len(name)}.",
            hint="Type a short name.",
        )
    mine = sa.update(schema.datasets).where(schema.datasets.c.id == dataset_id)
    with database.writing() as connection:
        connection.execute(mine.values(name=name))
    return get(dataset_id)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _dataset(row: Any) -> Dataset:
    return Dataset(
        id=row.id,
        name=row.name,
        root=row.root,
        labeller=Labeller.model_validate(row.labeller),
        source=row.source,
        revision=row.revision,
        created_at=row.created_at,
        scanned_at=row.scanned_at,
        ignored=row.ignored,
    )
