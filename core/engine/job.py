"""What the engine needs of whoever asked for its work."""

from typing import Any, Protocol

from core.domain.jobs import Wish


class Job(Protocol):
    """A lease on a row, as a fit sees it."""

    def report(self, **columns: Any) -> None:
        """Set progress columns."""

    def should_stop(self) -> bool:
        """Say whether to end early."""

    def wish(self) -> Wish | None:
        """Give what else a person asks for: to pause, or to stop after the epoch."""

    def save_now(self) -> None:
        """Bring what was collected into the database before the work goes on."""
