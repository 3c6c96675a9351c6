"""The tables. A change here needs a migration in `migrations/versions`; a test compares the two.

Times are seconds since 1970, UTC. JSON columns hold what only Python reads.
"""

from core.store.schema.audit import applications, findings, moves
from core.store.schema.base import metadata
from core.store.schema.datasets import (
    assignments,
    datasets,
    downloads,
    edits,
    items,
    revisions,
    scan_changes,
    splits,
)
from core.store.schema.jobs import (
    epochs,
    experiments,
    lr_finds,
    recipes,
    runs,
    stages,
    steps,
    tasks,
)

__all__ = [
    "applications",
    "assignments",
    "datasets",
    "downloads",
    "edits",
    "epochs",
    "experiments",
    "findings",
    "items",
    "lr_finds",
    "metadata",
    "moves",
    "recipes",
    "revisions",
    "runs",
    "scan_changes",
    "splits",
    "stages",
    "steps",
    "tasks",
]
