"""Apply edits to disk, finish what was killed, take all of it back: the work of a task "apply".

The order that a kill cannot harm: all moves are planned in the store; the manifest is written;
files move in batches that are marked; a scan closes what the items were told; the application
ends. Each piece can be done again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.datasets import pacing, scan, snapshot
from core.datasets.applying import journal, manifest, naming, placing, planning, sharing
from core.datasets.applying.journal import Application, ApplicationStatus, MoveStatus
from core.datasets.applying.moving import Mover, note_moved
from core.datasets.applying.placing import Step
from core.datasets.applying.told import Told
from core.datasets.catalog import registry
from core.datasets.pacing import Reporter
from core.domain.errors import ConflictError, InputError, StoreError
from core.domain.items import Dataset
from core.store import clock, database, ids, schema

Result = dict[str, Any]


def apply(dataset_id: str, lease: Reporter, *, revision: int, step: Step = placing.on) -> Result:
    """Move what the edits of a revision ask for, and scan the folder.

    Raises ConflictError where the dataset has changed since, an earlier application is open, or
    somebody works with the files; InputError where there is nothing to move; StoreError where the
    folder may not be written to. A stopped one stays open: it can be finished or taken back.
    """
    dataset = registry.get(dataset_id)
    with sharing.alone(dataset_id):
        sharing.check_idle(dataset_id)  # again: a run may have been queued before this task was
        application = _open(dataset, revision)
        step("planned")
        told = _move(dataset, application, lease, step)
    return _end(dataset, application, told, lease, step)


def finish(application_id: str, lease: Reporter, *, step: Step = placing.on) -> Result:
    """Go on with an application that was stopped or killed, in the direction that it had."""
    application = journal.get(application_id)
    if not application.is_open:
        raise ConflictError(
            "This application is finished already.", hint="Reload the page to see how it ended."
        )
    dataset = registry.get(application.dataset_id)
    with sharing.alone(dataset.id):
        sharing.check_idle(dataset.id)
        if application.status == "applying":
            journal.plan_skipped_again(application_id)
        told = _move(dataset, application, lease, step)
    return _end(dataset, application, told, lease, step)


def take_back(application_id: str, lease: Reporter, *, step: Step = placing.on) -> Result:
    """Move everything of an application back to where it was, finished or not.

    While a file cannot be brought back it stays open, so that it can be tried again. Raises
    ConflictError where it was taken back before, a later one was not, or somebody works with the
    files.
    """
    application = journal.get(application_id)
    dataset = registry.get(application.dataset_id)
    standing = journal.find_standing(dataset.id)
    if standing is None or standing.id != application_id:
        raise ConflictError(
            "Only what was applied last can be taken back.",
            hint="Take back what was applied later first.",
        )
    with sharing.alone(dataset.id):
        sharing.check_idle(dataset.id)
        journal.set_status(application_id, "undoing")
        step("turned")
        application = journal.get(application_id)
        told = _move(dataset, application, lease, step)
    return _end(dataset, application, told, lease, step)


def note_killed(dataset_id: str) -> int:
    """Bring the journal of an open application in line with the disk, before a scan looks at it.

    Gives how many moves a killed process had made without marking them.
    """
    application = journal.find_open(dataset_id)
    if application is None:
        return 0
    with sharing.alone(dataset_id):
        return note_moved(registry.get(dataset_id), application)


def _open(dataset: Dataset, revision: int) -> Application:
    """Plan everything and write it down in one transaction, or refuse."""
    application_id = ids.new("apply")
    trash = naming.trash_folder(application_id)
    planned = planning.plan(dataset.id, application_id=application_id)
    if not planned.moves:
        raise InputError(
            f"No file of {dataset.name} lies elsewhere than its edits say.",
            hint="Exclude or relabel images first; then apply.",
        )
    manifest.check(Path(dataset.root), trash)
    application = Application(
        id=application_id,
        dataset_id=dataset.id,
        revision=planned.revision,
        trash=trash,
        status="applying",
        created_at=clock.now(),
        finished_at=None,
    )
    sharers = sharing.sharers(dataset.id)
    with database.writing() as connection:
        _check_revision(connection, dataset.id, revision, planned.revision)
        _check_closed(connection, sharers)
        _make_trash(Path(dataset.root), trash)
        journal.insert(connection, application, dataset.root, planned.moves)
    return application


def _check_revision(
    connection: sa.Connection, dataset_id: str, revision: int, planned: int
) -> None:
    datasets = schema.datasets
    query = sa.select(datasets.c.revision).where(datasets.c.id == dataset_id)
    now: int = connection.execute(query).scalar_one()
    if not revision == planned == now:
        raise ConflictError(
            f"The dataset has changed since the preview: it was at revision {revision} and is at "
            f"{now}.",
            hint="Look at the preview again, then apply; nothing was moved.",
        )


def _check_closed(connection: sa.Connection, dataset_ids: Sequence[str]) -> None:
    datasets, table = schema.datasets, schema.applications
    query = sa.select(datasets.c.name).join(table, table.c.dataset_id == datasets.c.id)
    opened = query.where(datasets.c.id.in_(dataset_ids), table.c.status.in_(journal.OPEN))
    name = connection.execute(opened.limit(1)).scalar()
    if name is not None:
        raise ConflictError(
            f"An earlier application of the dataset {name} was not finished.",
            hint="Finish it, or take it back, first.",
        )


def _make_trash(root: Path, trash: str) -> None:
    """Make the trash folder before anything is written down: it shows whether files may move."""
    try:
        (root / trash).mkdir(parents=True)
    except OSError as error:
        raise StoreError(
            f"Winnow may not write into {root}: {error.strerror or error}.",
            hint="Allow writing into the dataset's folder, or write a clean copy instead.",
        ) from error


def _move(dataset: Dataset, application: Application, lease: Reporter, step: Step) -> Told:
    """Move what is left to move, there or back."""
    back = application.status == "undoing"
    snapshot.forget(dataset.id)
    if not back:
        manifest.write(dataset, application, journal.list_moves(application.id))
        step("manifest")
    statuses: Sequence[MoveStatus] = ("planned", "done") if back else ("planned",)
    moves = journal.list_moves(application.id, statuses=statuses)
    mover = Mover(dataset, application, lease, step=step)
    mover.run(moves[::-1] if back else moves)
    return mover.told


def _end(
    dataset: Dataset, application: Application, told: Told, lease: Reporter, step: Step
) -> Result:
    """Scan, also after a stop, and close the application unless something is left to do."""
    scanned = scan.run(dataset.id, pacing.Deaf(lease))
    step("scanned")
    is_back = application.status == "undoing"
    if not (told.is_stopped or (is_back and told.n_left)):
        _close(dataset, application, step)
    return {**told.result(application.id), "is_back": is_back, "scan": scanned}


def _close(dataset: Dataset, application: Application, step: Step) -> None:
    end: ApplicationStatus = "undone" if application.status == "undoing" else "applied"
    if end == "undone":
        manifest.tidy(Path(dataset.root), application.trash)
    else:
        manifest.write(dataset, application, journal.list_moves(application.id))
    step("told")
    journal.set_status(application.id, end)
