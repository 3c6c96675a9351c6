"""One address from the web to a temporary file that a child has looked into."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from core.datasets import decoding
from core.datasets.reading import Reading
from core.datasets.urls import fetching
from core.datasets.urls.downloads import Download
from core.datasets.urls.fetching import CalledOffError, Fetched, FetchError, Limits
from core.domain.errors import StoreError
from core.store import files

PAUSES_SECONDS = (0.5, 2.0)
"""Before the second try, and before the third."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What an address gave: a temporary file and what it holds, or why there is none."""

    row: Download
    n_tries: int
    reason: str | None = None
    part: Path | None = None
    size_bytes: int | None = None
    reading: Reading | None = None


class Courier:
    """Brings addresses; may be called from several threads at once."""

    def __init__(
        self, folder: Path, pool: decoding.Pool, *, limits: Limits, allow_private: bool
    ) -> None:
        self._folder = folder
        self._pool = pool
        self._limits = limits
        self._allow_private = allow_private
        self._called_off = threading.Event()

    def call_off(self) -> None:
        """Let whatever is under way end soon, without a result."""
        self._called_off.set()

    def bring(self, row: Download) -> Arrival | None:
        """Download a row's address, again where that may help; None when it was called off."""
        for n_tries, pause in enumerate((*PAUSES_SECONDS, None), start=1):
            try:
                return self._look(row, n_tries, self._fetch(row.url))
            except CalledOffError:
                return None
            except FetchError as error:
                if pause is None or not error.retryable:
                    return Arrival(row=row, n_tries=n_tries, reason=error.reason)
                if self._called_off.wait(pause):
                    return None
        raise AssertionError("the last try has no pause after it")

    def _fetch(self, url: str) -> Fetched:
        return fetching.fetch(
            url,
            limits=self._limits,
            allow_private=self._allow_private,
            called_off=self._called_off.is_set,
        )

    def _look(self, row: Download, n_tries: int, fetched: Fetched) -> Arrival:
        part = self._folder / f"{row.id}.part"
        _write(part, fetched.content)
        (reading,) = self._pool.read_all([str(part)])
        return Arrival(
            row=row,
            n_tries=n_tries,
            part=part,
            size_bytes=len(fetched.content),
            reading=reading,
        )


def _write(path: Path, content: bytes) -> None:
    """Write a temporary file and have the disk hold it: it gets its name by a rename later."""
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error.strerror or error}.", hint=files.ROOM_HINT
        ) from error
