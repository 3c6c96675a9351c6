"""Where files go: into the trash, into the folder of another class, and under which free name."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from core.domain.labellers import FolderLabeller, GrandparentLabeller, Labeller
from core.store import database, schema

TRASH = ".winnow-trash"
"""Below the root, so in the same file system; scans pass over what begins with a dot."""


def trash_folder(application_id: str) -> str:
    """Give the folder, below the root, of what one application throws away."""
    return f"{TRASH}/{application_id}"


def moves_files(labeller: Labeller) -> bool:
    """Say whether a class is a folder, so that another label means another place."""
    return isinstance(labeller, FolderLabeller | GrandparentLabeller)


def in_class(path: str, label: str, labeller: Labeller) -> str:
    """Give the path of a file in the folder of another class; its part and inner folders stay."""
    parts = path.split("/")
    parts[1 if isinstance(labeller, GrandparentLabeller) else 0] = label
    return "/".join(parts)


def numbered(path: str) -> Iterator[str]:
    """Give a path, then the names that it may have instead: `cat/x.jpg`, `cat/x-2.jpg`, …"""
    yield path
    folder, slash, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    for number in count(2):
        yield f"{folder}{slash}{stem}-{number}{dot}{ending}"


class Names:
    """Which paths below a root are free: no file is there, no item has it, none was given away."""

    def __init__(self, root: Path, dataset_id: str) -> None:
        self._root = root
        table = schema.items
        query = sa.select(table.c.path, table.c.id).where(table.c.dataset_id == dataset_id)
        with database.reading() as connection:
            self._holders = {row.path: row.id for row in connection.execute(query)}

    def is_free(self, path: str, item_id: int) -> bool:
        """Say whether an item's file may be put under a path."""
        holder = self._holders.get(path, item_id)
        return holder == item_id and not os.path.lexists(self._root / path)

    def take(self, path: str, item_id: int) -> str:
        """Give a path, or the first free name beside it, to an item's file."""
        free = next(one for one in numbered(path) if self.is_free(one, item_id))
        self._holders[free] = item_id
        return free
