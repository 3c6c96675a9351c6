"""What applying would move: every file, what happens to it, and where it goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.datasets.applying import naming
from core.datasets.applying.journal import Move, MoveKind
from core.datasets.catalog import registry
from core.domain.items import Dataset
from core.store import database, schema

NOT_YET = "…"
"""Stands for the id of an application that nobody has confirmed."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All moves that the edits of a revision ask for, and what no move can write."""

    revision: int
    moves: tuple[Move, ...]
    n_in_table: int  # relabels that a corrected table holds, since their class is no folder

    @property
    def n_trashed(self) -> int:
        """Count the files that go into the trash."""
        return sum(move.kind == "trash" for move in self.moves)

    @property
    def n_relabelled(self) -> int:
        """Count the files that go into the folder of another class."""
        return len(self.moves) - self.n_trashed

    @property
    def n_bytes(self) -> int:
        """Add up the sizes of the files that move."""
        return sum(move.size_bytes for move in self.moves)


def plan(dataset_id: str, *, application_id: str = NOT_YET) -> Plan:
    """Work out what applying would move, in order of the paths; nothing is touched.

    Excluded files, broken ones among them, go into the trash. Relabelled ones go into the folder
    of their class where classes are folders: under their own name if it is free there, else under
    the first free one.
    """
    dataset = registry.get(dataset_id)
    names = naming.Names(Path(dataset.root), dataset_id)
    trash = naming.trash_folder(application_id)
    moves: list[Move] = []
    n_in_table = 0
    for row in _decided(dataset_id):
        if row.excluded:
            moves.append(_move(row, len(moves), "trash", f"{trash}/{row.path}"))
        elif naming.moves_files(dataset.labeller):
            moves.append(_move(row, len(moves), "relabel", _place(row, dataset, names)))
        else:
            n_in_table += 1
    return Plan(revision=dataset.revision, moves=tuple(moves), n_in_table=n_in_table)


def _place(row: Any, dataset: Dataset, names: naming.Names) -> str:
    wanted = naming.in_class(row.path, row.label, dataset.labeller)
    return names.take(wanted, row.id)


def _decided(dataset_id: str) -> Iterator[Any]:
    """Give the items whose file lies elsewhere than the edits in force say."""
    table = schema.items
    differs = sa.or_(table.c.excluded, table.c.label != table.c.recorded_label)
    here = sa.and_(table.c.dataset_id == dataset_id, table.c.status != "gone")
    with database.reading() as connection:
        yield from connection.execute(
            sa.select(table).where(here, differs).order_by(table.c.path)
        ).all()


def _move(row: Any, number: int, kind: MoveKind, target: str) -> Move:
    return Move(
        number=number,
        item_id=row.id,
        kind=kind,
        source=row.path,
        target=target,
        label=row.label if kind == "relabel" else None,
        size_bytes=row.size_bytes,
        content_hash=row.content_hash,
        mtime_ns=row.mtime_ns,
        status="planned",
    )
