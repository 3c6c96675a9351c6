"""Datasets on the same files: what is under way on one of them concerns the files of all."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from core.datasets.catalog import registry
from core.domain.errors import ConflictError
from core.domain.jobs import ACTIVE, WAITING, RunStatus
from core.store import database, locks, schema

UNDER_WAY: tuple[RunStatus, ...] = (*ACTIVE, *WAITING)
DATASETS = schema.datasets


def sharers(dataset_id: str) -> tuple[str, ...]:
    """List the datasets whose folder is that of a dataset, lies in it, or around it; itself too.

    Removed ones are among them: their runs may still work.
    """
    root = Path(registry.get(dataset_id).root)
    query = sa.select(DATASETS.c.id, DATASETS.c.root).order_by(DATASETS.c.id)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    return tuple(
        row.id
        for row in rows
        if root.is_relative_to(row.root) or Path(row.root).is_relative_to(root)
    )


def check_idle(dataset_id: str) -> None:
    """Raise ConflictError while a run or a task works with the files of a dataset.

    An application of the dataset itself is passed over, since it is joined; so are previews,
    which are made again.
    """
    ids = sharers(dataset_id)
    runs, tasks = schema.runs, schema.tasks
    is_own = sa.and_(tasks.c.kind == "apply", tasks.c.dataset_id == dataset_id)
    is_heard = sa.and_(tasks.c.kind != "preview", sa.not_(is_own))
    run = _under_way(runs, runs.c.name, ids)
    task = _under_way(tasks, tasks.c.kind, ids).where(is_heard)
    with database.reading() as connection:
        for words, query in (("The run {}", run), ("A task ({})", task)):
            found = connection.execute(query.limit(1)).one_or_none()
            if found is not None:
                raise ConflictError(
                    f"{words.format(found.what)} is under way on the dataset {found.dataset}, and "
                    "works with these files.",
                    hint="Wait until it has ended, or stop it first; nothing was moved.",
                )


@contextmanager
def alone(dataset_id: str) -> Iterator[None]:
    """Keep scans of these files out, of any dataset: they would meet files half way."""
    busy = ConflictError(
        "These files are being scanned, or applied to disk, already.",
        hint="Wait for that to end, then try again.",
    )
    with ExitStack() as held:
        for one in sharers(dataset_id):
            held.enter_context(locks.alone(f"scan-{one}", busy=busy))
        yield


def _under_way(
    table: sa.Table, what: sa.Column[str], ids: tuple[str, ...]
) -> sa.Select[tuple[str, str]]:
    query = sa.select(what.label("what"), DATASETS.c.name.label("dataset"))
    joined = query.join(DATASETS, DATASETS.c.id == table.c.dataset_id)
    return joined.where(table.c.dataset_id.in_(ids), table.c.status.in_(UNDER_WAY))
