"""What finders say about items, and the queue of what is left to decide about."""

from core.datasets.findings.queue import (
    Entry,
    Progress,
    QueueFilter,
    chosen,
    entries,
    n_by_kind,
    progress,
)
from core.datasets.findings.registry import of_items, replace, stamp

__all__ = [
    "Entry",
    "Progress",
    "QueueFilter",
    "chosen",
    "entries",
    "n_by_kind",
    "of_items",
    "progress",
    "replace",
    "stamp",
]
