"""How much an archive may cost, counted in real bytes while it is read, and the way to stop."""

import shutil
from pathlib import Path
from typing import Any, Protocol

from core.datasets import images
from core.datasets.archives import faults
from core.domain.errors import ArchiveError

MAX_FILES = 500_000
MAX_BYTES = 100_000_000_000  # of all files together
MAX_FILE_BYTES = images.MAX_BYTES  # a larger image would be called broken anyway
SPARE_BYTES = 1_000_000_000  # left free on the disk
MAX_RATIO = 200  # unpacked bytes a byte of the archive: photos reach 1, drawings perhaps 50
RATIO_FROM_BYTES = 100_000_000  # smaller results are no danger, whatever their ratio


class Reporter(Protocol):
    """What unpacking needs of its lease."""

    def report(self, **columns: Any) -> None:
        """Set progress columns."""

    def should_stop(self) -> bool:
        """Say whether a person asked for an end."""


class StoppedError(Exception):
    """Carry a person's wish to stop from the depth of a read to where it began."""

    def __init__(self) -> None:
        super().__init__("The unpacking was stopped.")


class Budget:
    """Counts what one archive costs; raises ArchiveError at a limit, StoppedError when asked."""

    def __init__(self, path: str, size_bytes: int, *, folder: Path, lease: Reporter) -> None:
        self.member = ""  # the one that is being read, for the sentences
        self.n_files = 0
        self.n_bytes = 0
        self._path = path
        self._lease = lease
        self._n_expanded = 0
        self._most_expanded = max(RATIO_FROM_BYTES, MAX_RATIO * size_bytes)
        self._room = shutil.disk_usage(folder).free - SPARE_BYTES

    def begin(self, member: str) -> None:
        """Name the member that is read from now on."""
        self.member = member
        self.go_on()

    def expand(self, n_bytes: int) -> None:
        """Count bytes that came out of the archive, whether they are kept or passed over."""
        self._n_expanded += n_bytes
        if self._n_expanded > self._most_expanded:
            raise self._refusal(f"it would grow to more than {MAX_RATIO} times its size")
        self.go_on()

    def take(self) -> None:
        """Count a file that is about to be written."""
        self.n_files += 1
        if self.n_files > MAX_FILES:
            raise self._refusal(f"it holds more than {MAX_FILES:,} files")

    def write(self, n_bytes: int) -> None:
        """Count bytes that are about to be written."""
        self.n_bytes += n_bytes
        if self.n_bytes > MAX_BYTES:
            raise self._refusal(f"its files hold more than {MAX_BYTES // 10**9} GB")
        if self.n_bytes > self._room:
            raise self._refusal(f"less than {SPARE_BYTES // 10**9} GB would stay free on the disk")

    def go_on(self) -> None:
        """Raise StoppedError when a person asked for an end."""
        if self._lease.should_stop():
            raise StoppedError

    def _refusal(self, reason: str) -> ArchiveError:
        return ArchiveError(
            f"The archive {faults.shown(self._path)} was refused at its file "
            f"{faults.shown(self.member)}: {reason}.",
            hint="Unpack it yourself where there is room, then open the folder.",
        )
