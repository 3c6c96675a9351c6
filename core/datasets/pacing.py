"""How far a work on many files is, how fast it goes, and how long it still takes."""

import time
from typing import Any, Protocol

REPORT_SECONDS = 0.25


class Reporter(Protocol):
    """What a work on files needs of its lease."""

    def report(self, **columns: Any) -> None:
        """Set progress columns."""

    def should_stop(self) -> bool:
        """Say whether a person asked for an end."""


class Pace:
    """Counts files, and reports at most a few times a second."""

    def __init__(self, lease: Reporter, total: int, message: str) -> None:
        self._lease, self._total, self._message = lease, total, message
        self._done = 0
        self._began = self._reported = time.monotonic()
        self.report()

    def step(self) -> None:
        """Count one more file."""
        self._done += 1
        if time.monotonic() - self._reported > REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        """Report what was counted so far."""
        self._reported = time.monotonic()
        rate = self._done / max(1e-3, self._reported - self._began)
        self._lease.report(
            progress_done=self._done,
            progress_total=self._total,
            progress_rate=rate,
            remaining_seconds=(self._total - self._done) / rate if self._done else None,
            message=self._message,
        )


class Deaf:
    """Passes reports on, and lets a short work end although a stop was asked for."""

    def __init__(self, lease: Reporter) -> None:
        self.report = lease.report

    def should_stop(self) -> bool:
        """Say no."""
        return False
