"""The states that runs and tasks go through, and what each allows."""

from typing import Literal

RunStatus = Literal[
    "queued", "running", "paused", "stopping", "stopped", "finished", "failed", "lost"
]

ACTIVE: frozenset[RunStatus] = frozenset({"running", "paused", "stopping"})
"""A process works on it, or waits to go on, and owes a heartbeat."""

WAITING: frozenset[RunStatus] = frozenset({"queued"})

ENDED: frozenset[RunStatus] = frozenset({"stopped", "finished", "failed", "lost"})
"""Nothing will change any more, unless a person continues it."""

Wish = Literal["pause", "stop_after_epoch"]
"""What a person asks of a run that works, besides to stop."""

TaskKind = Literal[
    "scan",
    "compare",
    "sample",
    "split",
    "unpack",
    "download",
    "public",
    "lr_find",
    "preview",
    "predict",
    "export",
    "audit",
    "apply",
    "copy",
]

HEARTBEAT_SECONDS = 2.0
SILENT_SECONDS = 60.0
"""A live process that is silent for longer counts as lost; a dead one does at once."""
