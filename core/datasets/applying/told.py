"""What an application has to tell at its end: what moved, what was left, and why."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from core.datasets.applying.journal import Move

MOST_TOLD = 500
"""So many files are named; all are counted."""


@dataclass(kw_only=True)
class Told:
    """Counts and names, collected while files move."""

    counts: Counter[str] = field(default_factory=Counter)
    left: list[tuple[str, str]] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    is_stopped: bool = False

    @property
    def n_left(self) -> int:
        """Count the files that stay where they are."""
        return self.counts["left"]

    def note_moved(self, move: Move) -> None:
        """Count a file that is where it should be."""
        self.counts[move.kind] += 1

    def note_left(self, path: str, reason: str) -> None:
        """Count a file that stays where it is."""
        self.counts["left"] += 1
        if len(self.left) < MOST_TOLD:
            self.left.append((path, reason))

    def note_renamed(self, wanted: str, taken: str) -> None:
        """Count a file that got another name than it was to have."""
        self.counts["renamed"] += 1
        if len(self.renamed) < MOST_TOLD:
            self.renamed.append((wanted, taken))

    def result(self, application_id: str) -> dict[str, Any]:
        """Give what a task leaves in its row."""
        return {
            "application_id": application_id,
            "n_trashed": self.counts["trash"],
            "n_relabelled": self.counts["relabel"],
            "n_left": self.n_left,
            "left": self.left,
            "n_renamed": self.counts["renamed"],
            "renamed": self.renamed,
            "is_stopped": self.is_stopped,
        }
