"""The end of a taking back that cannot bring every file back: a person leaves the rest."""

from pathlib import Path

from core.datasets.applying import journal, manifest, sharing
from core.datasets.applying.journal import Move
from core.datasets.catalog import registry
from core.domain.errors import ConflictError
from core.store import database


def list_behind(application_id: str) -> list[Move]:
    """List the moves that a taking back has not brought back, or not yet."""
    return journal.list_moves(application_id, statuses=("planned", "done"))


def leave(application_id: str) -> int:
    """Close a taking back as it is; gives how many files stay where they are, or are gone.

    What lies in the trash stays there, with its manifest, and is still found there by older
    revisions. Raises ConflictError for what is not being taken back.
    """
    application = journal.get(application_id)
    if application.status != "undoing":
        raise ConflictError(
            "Only a taking back that was not finished can leave files where they are.",
            hint="Reload the page to see how it stands.",
        )
    dataset = registry.get(application.dataset_id)
    with sharing.alone(dataset.id):
        behind = list_behind(application_id)
        never = {move.number for move in behind if move.status == "planned"}
        with database.writing() as connection:
            journal.mark(connection, application_id, dict.fromkeys(never, "skipped"))
        manifest.tidy(Path(dataset.root), application.trash)
        journal.set_status(application_id, "undone")
    return len(behind)
