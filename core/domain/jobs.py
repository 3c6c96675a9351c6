"""The states that runs and tasks go through, and what each allows."""

from typing import Literal

RunStatus = Literal[
    "queued", "running", "paused", "stopping", "stopped", "finished", "failed", "lost"
]

ACTIVE: frozenset[RunStatus] = frozenset({"running", "stopping"})
"""A process works on it, and owes a heartbeat."""

WAITING: frozenset[RunStatus] = frozenset({"queued"})

ENDED: frozenset[RunStatus] = frozenset({"stopped", "finished", "failed", "lost"})
"""Nothing will change any more, unless a person continues it."""

TaskKind = Literal[
    "scan", "compare", "sample", "split", "unpack", "download", "public", "lr_find", "preview"
]

HEARTBEAT_SECONDS = 2.0
SILENT_SECONDS = 60.0
"""A live process that is silent for longer counts as lost; a dead one does at once."""
