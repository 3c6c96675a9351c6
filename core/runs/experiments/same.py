"""Whether a run of the same description has finished already, so that none is trained twice."""

import sqlalchemy as sa

from core.datasets import catalog
from core.domain.plans import Plan
from core.domain.runs import Run
from core.runs import rows
from core.store import database, schema, version

RUNS = schema.runs


def find(dataset_id: str, plan: Plan, *, revision: int) -> Run | None:
    """Find the newest finished run that a new one would equal.

    Split, subset, recipe, seed, beginning and code agree; and so do the images with their labels,
    although the revision may be another one.
    """
    query = (
        sa.select(RUNS)
        .where(RUNS.c.dataset_id == dataset_id, RUNS.c.status == "finished")
        .where(RUNS.c.split_id == plan.split_id, RUNS.c.seed == plan.seed)
        .where(RUNS.c.code_version == version.code_version())
        .order_by(RUNS.c.created_at.desc())
    )
    with database.reading() as connection:
        found = [rows.run(row) for row in connection.execute(query).mappings()]
    alike = [
        run
        for run in found
        if (run.recipe, run.subset, run.begins_from)
        == (plan.recipe, plan.subset, plan.begins_from)
    ]
    at_it = next((run for run in alike if run.revision == revision), None)
    if at_it is not None or not alike:
        return at_it
    wanted = _fingerprint(dataset_id, plan, revision)
    return next((run for run in alike if run.fingerprint == wanted), None)


def _fingerprint(dataset_id: str, plan: Plan, revision: int) -> str:
    """Hash what a run would train on, as the run itself does: without the part `test`."""
    frame = catalog.items_at(
        dataset_id, revision=revision, split_id=plan.split_id, subset=plan.subset
    )
    return catalog.fingerprint(frame[frame["part"] != "test"])
