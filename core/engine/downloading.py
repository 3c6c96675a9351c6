"""Download an archive by fastdownload, in a thread that is watched: progress, stop, and silence.

fastdownload writes `NAME.part` and renames it once the server has sent all; then it compares size
and hash with its list. What it leaves of a download that was stopped is removed or begun anew.
"""

import http.client
import ssl
import threading
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path

from fastcore.net import urldest
from fastdownload import FastDownload
from fastprogress import fastprogress

from core.domain.errors import EngineError, StoreError, WinnowError
from core.store import files, jobs

TICK_SECONDS = 0.2
SILENT_SECONDS = 60.0
"""So long nothing may arrive; fastdownload itself waits for ever."""

BROKEN_OFF = (
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
    http.client.HTTPException,
    urllib.error.ContentTooShortError,
    NameError,  # fastcore 2.2.39 means the one above, and forgot to import it
)
"""What a connection that ends early raises."""


def fetch(fast: FastDownload, url: str, lease: jobs.Lease, *, total_bytes: int) -> bool:
    """Have the archive of `url` in its place; False where the task was asked to stop before.

    Raises EngineError with what to do by hand, or StoreError where the disk refuses.
    """
    fastprogress.NO_BAR = True  # a bar in a log file is a line every 0.2 s
    archive = archive_path(fast, url)
    part = archive.with_name(f"{archive.name}.part")
    part.unlink(missing_ok=True)
    work = _Work(lambda: fast.download(url))
    watch = _Watch(part, total_bytes=total_bytes)
    while not work.is_done(TICK_SECONDS):
        if lease.should_stop():
            part.unlink(missing_ok=True)
            return False
        watch.look(lease)
        if watch.silent_seconds > SILENT_SECONDS:
            raise EngineError(
                f"{url} could not be downloaded: nothing arrived for {SILENT_SECONDS:.0f} s.",
                hint=by_hand(url, archive),
            )
    if work.error is not None:
        watch.look(lease)
        raise _explained(work.error, fast, url, n_bytes=watch.n_bytes) from work.error
    return True


def archive_path(fast: FastDownload, url: str) -> Path:
    """Give the path that fastdownload keeps the archive of an address at."""
    return Path(urldest(url, fast.arch_path()))


def by_hand(url: str, archive: Path) -> str:
    """Say how an archive gets here without this machine's network."""
    return f"Try again later, or fetch {url} in another way and put it at {archive}."


class _Work:
    """Something that a thread does, and the error that ended it; a process that ends drops it."""

    def __init__(self, do: Callable[[], object]) -> None:
        self.error: Exception | None = None
        self._do = do
        self._thread = threading.Thread(target=self._run, name="download", daemon=True)
        self._thread.start()

    def is_done(self, seconds: float) -> bool:
        """Wait a while for its end; say whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._do()
        except Exception as error:  # noqa: BLE001  # raised again by who watches
            self.error = error


class _Watch:
    """The growing file: how much there is, how fast it came, and since when nothing did."""

    def __init__(self, part: Path, *, total_bytes: int) -> None:
        self.n_bytes = 0
        self._part = part
        self._total_bytes = total_bytes
        self._began_at = self._grew_at = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        """Say for how long the file has not grown."""
        return time.monotonic() - self._grew_at

    def look(self, lease: jobs.Lease) -> None:
        """Measure the file and report it."""
        now = time.monotonic()
        n_bytes = _size(self._part)
        if n_bytes <= self.n_bytes:
            return
        self.n_bytes, self._grew_at = n_bytes, now
        rate = n_bytes / max(now - self._began_at, 1e-3)
        lease.report(
            progress_done=n_bytes,
            progress_total=self._total_bytes,
            progress_rate=rate,
            remaining_seconds=max(0, self._total_bytes - n_bytes) / rate,
            message=f"Downloading, {_in_mb(n_bytes)} of {_in_mb(self._total_bytes)}",
        )


def _explained(error: Exception, fast: FastDownload, url: str, *, n_bytes: int) -> WinnowError:
    """Put what ended a download into a sentence; an error of another kind is given back."""
    archive = archive_path(fast, url)
    if archive.exists() and not fast.check(url, archive):
        archive.unlink()
        return _failed(url, archive, "what arrived has another size or hash than fastai lists")
    match error:
        case urllib.error.HTTPError():
            words = http.client.responses.get(error.code, "no standard answer")
            return _failed(url, archive, f"the server answered {error.code} ({words})")
        case _ if isinstance(error, BROKEN_OFF):
            return _failed(url, archive, f"the connection broke off after {_in_mb(n_bytes)}")
        case urllib.error.URLError():
            reason = f"no network, or no answer from the server ({error.reason})"
            return _failed(url, archive, reason)
        case OSError():
            return StoreError(
                f"{archive} could not be written: {error.strerror or error}.", hint=files.ROOM_HINT
            )
    raise error


def _failed(url: str, archive: Path, why: str) -> EngineError:
    return EngineError(f"{url} could not be downloaded: {why}.", hint=by_hand(url, archive))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _in_mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"
