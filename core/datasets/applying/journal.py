"""The journal of what goes to disk: every move is in the store before it is made.

An application is all that was moved by one confirmation. While it is `applying` or `undoing` it is
open: its process works, or was killed, and then it can be finished or taken back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from core.datasets.catalog.queries import CHUNK, chunks
from core.domain.errors import NotFoundError
from core.store import clock, database, schema

ApplicationStatus = Literal["applying", "applied", "undoing", "undone"]
MoveKind = Literal["trash", "relabel"]
MoveStatus = Literal["planned", "done", "undone", "skipped"]

OPEN: tuple[ApplicationStatus, ...] = ("applying", "undoing")
APPLICATIONS, MOVES = schema.applications, schema.moves


@dataclass(frozen=True, kw_only=True)
class Application:
    """All that one confirmation moves on disk."""

    id: str
    dataset_id: str
    revision: int  # whose edits go to disk
    trash: str  # the folder of what is thrown away, below the root
    status: ApplicationStatus
    created_at: float
    finished_at: float | None

    @property
    def is_open(self) -> bool:
        """Say whether it is under way, or was killed on the way."""
        return self.status in OPEN


@dataclass(frozen=True, kw_only=True)
class Move:
    """One file that goes elsewhere; both paths are below the dataset's root."""

    number: int
    item_id: int
    kind: MoveKind
    source: str
    target: str
    label: str | None  # of a relabel
    size_bytes: int
    content_hash: str | None
    mtime_ns: int | None  # as the item has it, which tells where there is no hash
    status: MoveStatus


@dataclass(frozen=True, kw_only=True)
class MovePage:
    """Some moves of a longer list, and how long it is."""

    moves: tuple[Move, ...]
    total: int


def insert(connection: sa.Connection, one: Application, root: str, moves: Sequence[Move]) -> None:
    """Write an application and all its moves down, in the transaction that checked them."""
    values = {
        "id": one.id,
        "dataset_id": one.dataset_id,
        "revision": one.revision,
        "root": root,
        "trash": one.trash,
        "status": one.status,
        "created_at": one.created_at,
    }
    connection.execute(sa.insert(APPLICATIONS).values(**values))
    names = [column.name for column in MOVES.c if column.name != "application_id"]
    rows = [
        {"application_id": one.id, **{name: getattr(move, name) for name in names}}
        for move in moves
    ]
    connection.execute(sa.insert(MOVES), rows)


def get(application_id: str) -> Application:
    """Get an application; raises NotFoundError."""
    query = sa.select(APPLICATIONS).where(APPLICATIONS.c.id == application_id)
    with database.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"Nothing was applied to disk under {application_id}.",
            hint="Reload the page and look at what was applied.",
        )
    return _application(row)


def list_applications(dataset_id: str) -> list[Application]:
    """List what was applied to disk of a dataset, the newest first."""
    query = sa.select(APPLICATIONS).where(APPLICATIONS.c.dataset_id == dataset_id)
    with database.reading() as connection:
        rows = connection.execute(query.order_by(APPLICATIONS.c.created_at.desc())).all()
    return [_application(row) for row in rows]


def find_open(dataset_id: str) -> Application | None:
    """Find the application that is under way or was killed on the way."""
    return next((one for one in list_applications(dataset_id) if one.is_open), None)


def find_standing(dataset_id: str) -> Application | None:
    """Find the newest application that was not taken back: the only one that can be."""
    return next((one for one in list_applications(dataset_id) if one.status != "undone"), None)


def list_moves(application_id: str, *, statuses: Sequence[MoveStatus] | None = None) -> list[Move]:
    """List the moves of an application in their order."""
    query = _moves(application_id, statuses).order_by(MOVES.c.number)
    with database.reading() as connection:
        return [_move(row) for row in connection.execute(query)]


def count(application_id: str) -> dict[tuple[MoveKind, MoveStatus], int]:
    """Count the moves of an application by kind and status."""
    query = sa.select(MOVES.c.kind, MOVES.c.status, sa.func.count())
    mine = query.where(MOVES.c.application_id == application_id)
    with database.reading() as connection:
        rows = connection.execute(mine.group_by(MOVES.c.kind, MOVES.c.status)).all()
    return {(kind, status): number for kind, status, number in rows}


def page(application_id: str, *, offset: int = 0, limit: int = 200) -> MovePage:
    """List one page of the moves of an application, and count them all."""
    query = _moves(application_id, None).order_by(MOVES.c.number).offset(offset).limit(limit)
    number = sa.select(sa.func.count()).where(MOVES.c.application_id == application_id)
    with database.reading() as connection:
        moves = tuple(_move(row) for row in connection.execute(query))
        total = connection.execute(number).scalar_one()
    return MovePage(moves=moves, total=total)


def set_status(application_id: str, status: ApplicationStatus) -> None:
    """Note how far an application is; one that is open again has no end."""
    finished_at = None if status in OPEN else clock.now()
    mine = sa.update(APPLICATIONS).where(APPLICATIONS.c.id == application_id)
    with database.writing() as connection:
        connection.execute(mine.values(status=status, finished_at=finished_at))


def plan_skipped_again(application_id: str) -> None:
    """Have the moves that were left out be tried again."""
    left = sa.update(MOVES).where(
        MOVES.c.application_id == application_id, MOVES.c.status == "skipped"
    )
    with database.writing() as connection:
        connection.execute(left.values(status="planned"))


def rename(application_id: str, number: int, *, source: str, target: str) -> None:
    """Write other paths of a move down, before it is made under them."""
    mine = sa.update(MOVES).where(
        MOVES.c.application_id == application_id, MOVES.c.number == number
    )
    with database.writing() as connection:
        connection.execute(mine.values(source=source, target=target))


def mark(
    connection: sa.Connection, application_id: str, statuses: Mapping[int, MoveStatus]
) -> None:
    """Note what became of moves, by their numbers, in the transaction that tells the items."""
    if not statuses:
        return
    mine = sa.update(MOVES).where(
        MOVES.c.application_id == application_id, MOVES.c.number == sa.bindparam("at")
    )
    rows = [{"at": number, "now": status} for number, status in statuses.items()]
    connection.execute(mine.values(status=sa.bindparam("now")), rows)


def trashed(dataset_id: str, item_ids: Sequence[int]) -> dict[int, str]:
    """Give the paths in the trash, below the root, of those items whose files lie there."""
    found: dict[int, str] = {}
    ours = sa.and_(APPLICATIONS.c.dataset_id == dataset_id, MOVES.c.kind == "trash")
    query = sa.select(MOVES.c.item_id, MOVES.c.target).join(
        APPLICATIONS, APPLICATIONS.c.id == MOVES.c.application_id
    )
    with database.reading() as connection:
        for some in chunks(item_ids):
            mine = query.where(ours, MOVES.c.status == "done", MOVES.c.item_id.in_(some))
            for row in connection.execute(mine.order_by(APPLICATIONS.c.created_at)):
                found[row.item_id] = row.target
    return found


def list_in_trash(content_hash: str) -> list[Path]:
    """List the files in the trash of any dataset that had a content when they were moved."""
    return list_all_in_trash([content_hash]).get(content_hash, [])


def list_all_in_trash(content_hashes: Sequence[str]) -> dict[str, list[Path]]:
    """List the files in the trash of any dataset, by the content that they had."""
    datasets = schema.datasets
    query = (
        sa.select(datasets.c.root, MOVES.c.target, MOVES.c.content_hash)
        .join(APPLICATIONS, APPLICATIONS.c.id == MOVES.c.application_id)
        .join(datasets, datasets.c.id == APPLICATIONS.c.dataset_id)
        .where(MOVES.c.kind == "trash", MOVES.c.status == "done")
    )
    found: dict[str, list[Path]] = {}
    with database.reading() as connection:
        for at in range(0, len(content_hashes), CHUNK):
            some = content_hashes[at : at + CHUNK]
            for row in connection.execute(query.where(MOVES.c.content_hash.in_(some))):
                found.setdefault(row.content_hash, []).append(Path(row.root, row.target))
    return found


def _moves(application_id: str, statuses: Sequence[MoveStatus] | None) -> sa.Select[Any]:
    items = schema.items
    query = sa.select(MOVES, items.c.mtime_ns).outerjoin(items, items.c.id == MOVES.c.item_id)
    mine = query.where(MOVES.c.application_id == application_id)
    return mine if statuses is None else mine.where(MOVES.c.status.in_(statuses))


def _application(row: Any) -> Application:
    return Application(
        id=row.id,
        dataset_id=row.dataset_id,
        revision=row.revision,
        trash=row.trash,
        status=row.status,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _move(row: Any) -> Move:
    return Move(
        number=row.number,
        item_id=row.item_id,
        kind=row.kind,
        source=row.source,
        target=row.target,
        label=row.label,
        size_bytes=row.size_bytes,
        content_hash=row.content_hash,
        mtime_ns=row.mtime_ns,
        status=row.status,
    )
