"""Decisions of a person about items, as an append-only log: applied, taken back, told."""

from core.datasets.edits.log import (
    MAX_LABEL,
    Decision,
    apply,
    apply_all,
    checked_label,
    next_revision,
    redo,
    store_states,
    undo,
)
from core.datasets.edits.telling import (
    EditSummary,
    LogEntry,
    get_history,
    label_at,
    list_log,
    summary,
)

__all__ = [
    "MAX_LABEL",
    "Decision",
    "EditSummary",
    "LogEntry",
    "apply",
    "apply_all",
    "checked_label",
    "get_history",
    "label_at",
    "list_log",
    "next_revision",
    "redo",
    "store_states",
    "summary",
    "undo",
]
