"""A process's hold on its row in `runs` or `tasks`, what is asked of it, and who lost it."""

from core.store.jobs.asking import express_wish, request_stop, waiting_since
from core.store.jobs.lease import Lease, work
from core.store.jobs.sweeping import is_alive, sweep

__all__ = [
    "Lease",
    "express_wish",
    "is_alive",
    "request_stop",
    "sweep",
    "waiting_since",
    "work",
]
