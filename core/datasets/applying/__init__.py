"""Edits carried out on disk: planned, moved under a journal, told, and all of it taken back."""

from core.datasets.applying.corrected import NAME as TABLE_NAME
from core.datasets.applying.corrected import place_beside
from core.datasets.applying.corrected import write as write_table
from core.datasets.applying.journal import (
    Application,
    Move,
    MovePage,
    count,
    find_open,
    find_standing,
    get,
    list_applications,
    list_in_trash,
    list_moves,
    page,
)
from core.datasets.applying.leaving import leave, list_behind
from core.datasets.applying.naming import TRASH, moves_files
from core.datasets.applying.places import current
from core.datasets.applying.planning import Plan, plan
from core.datasets.applying.sharing import check_idle, sharers

__all__ = [
    "TABLE_NAME",
    "TRASH",
    "Application",
    "Move",
    "MovePage",
    "Plan",
    "check_idle",
    "count",
    "current",
    "find_open",
    "find_standing",
    "get",
    "leave",
    "list_applications",
    "list_behind",
    "list_in_trash",
    "list_moves",
    "moves_files",
    "page",
    "place_beside",
    "plan",
    "sharers",
    "write_table",
]
