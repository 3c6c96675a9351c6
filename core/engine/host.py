"""The preloaded parent: imports fastai once and forks a worker for each request.

`python -m core.engine.host` listens at the named pipe `engine/requests` of the home folder for
lines of JSON: {"kind": "run" or "task", "id": …, "log": path}. It never runs a kernel itself, so a
fork finds torch as freshly imported and computes the same bits as a process of its own. Forks
belong to nobody: they outlive the host. It ends itself when it had nothing to do for a while.
"""

import fcntl
import gc
import json
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from core.domain.errors import InputError
from core.engine import worker
from core.store import files, version

IDLE_SECONDS = 30 * 60.0
LOCK_SECONDS = 3.0
"""How long a held lock is tried: those who only ask whether a host runs hold it for a moment."""
TICK_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a worker is asked for."""

    kind: Literal["run", "task"]
    job_id: str
    log: Path


class Pipe:
    """The reading end of the named pipe, and lines out of what arrives in pieces."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with suppress(FileNotFoundError):
            path.unlink()
        os.mkfifo(path, 0o600)
        self.reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.writing = os.open(path, os.O_WRONLY)  # ours, so that the pipe never ends
        self._rest = b""

    def wait(self, seconds: float) -> list[bytes]:
        """Wait for lines; none when nothing came."""
        ready, _, _ = select.select([self.reading], [], [], seconds)
        return self.lines() if ready else []

    def lines(self) -> list[bytes]:
        """Read the lines that are there."""
        with suppress(BlockingIOError):
            while piece := os.read(self.reading, 65536):
                self._rest += piece
        *whole, self._rest = self._rest.split(b"\n")
        return whole

    def refuse_more(self) -> None:
        """Take the pipe away: from now on who wants to write finds no host."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close both ends, as a forked worker must, too."""
        os.close(self.reading)
        os.close(self.writing)


def main() -> int:
    """Serve until idle or told to end; exit quietly where another host serves this home."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s host %(message)s")
    folder = files.engine_folder()
    with (folder / "host.lock").open("a") as lock:
        if not _locked(lock.fileno()):
            return 0
        (folder / "ready").unlink(missing_ok=True)  # left behind by a host that was killed
        stop = _Stop()
        pipe = Pipe(folder / "requests")
        preload()
        with _announced(folder / "ready"):
            _serve(pipe, lock.fileno(), stop)
    return 0


def preload() -> None:
    """Import all that a worker needs, with the device hidden, and keep it out of collections.

    fastai looks for CUDA when it is imported, and a fork of a process that initialised CUDA cannot
    use it.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    worker.let_threads_sleep()
    version.code_version()  # of the code that is imported now; forks inherit it
    from core.engine import lr_find, predicting, previews, public, training  # noqa: F401

    gc.collect()
    gc.freeze()


def parse(line: bytes) -> Request:
    """Read a request; raise InputError where it is none."""
    try:
        said = json.loads(line)
        kind, job_id, path = said["kind"], said["id"], Path(said["log"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"The request {line[:200]!r} cannot be read: {error!r}.") from error
    if kind not in ("run", "task") or not isinstance(job_id, str):
        raise InputError(f"The request {line[:200]!r} names no run and no task.")
    return Request(kind=kind, job_id=job_id, log=path)


class _Stop:
    """Whether SIGTERM or SIGINT came."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: object) -> None:
        self.asked = True


def _serve(pipe: Pipe, lock: int, stop: _Stop) -> None:
    idle = float(os.environ.get("WINNOW_HOST_IDLE_SECONDS") or IDLE_SECONDS)
    children: set[int] = set()
    last = time.monotonic()
    while not stop.asked and time.monotonic() - last < idle:
        _fork_all(pipe.wait(TICK_SECONDS), pipe, lock, children)
        _reap(children)
        if children:
            last = time.monotonic()
    pipe.refuse_more()
    _fork_all(pipe.lines(), pipe, lock, children)  # what was written just before
    log.info("ends, %d workers go on", len(children))


def _fork_all(lines: list[bytes], pipe: Pipe, lock: int, children: set[int]) -> None:
    for line in lines:
        try:
            request = parse(line)
        except InputError as error:
            log.warning("%s", error.sentence)
            continue
        children.add(_fork(request, pipe, lock))


def _fork(request: Request, pipe: Pipe, lock: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        log.info("forked %d for %s %s", pid, request.kind, request.job_id)
        return pid
    code = 1
    try:
        _become_a_worker(request, pipe, lock)
        worker.log_to_stderr()
        worker.work_on(request.kind, request.job_id)
        code = 0
    except BaseException:  # noqa: BLE001  # a fork must never return into the host's loop
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become_a_worker(request: Request, pipe: Pipe, lock: int) -> None:
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    pipe.close()
    os.close(lock)  # or the host's lock would live as long as its workers
    request.log.parent.mkdir(parents=True, exist_ok=True)
    log_file = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log_file, 1), (log_file, 2)):
        os.dup2(source, target)
    os.close(log_file)
    os.close(nothing)


def _reap(children: set[int]) -> None:
    for pid in tuple(children):
        if os.waitpid(pid, os.WNOHANG)[0]:
            children.discard(pid)


def _locked(handle: int) -> bool:
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)


@contextmanager
def _announced(ready: Path) -> Iterator[None]:
    me = psutil.Process()
    about = {"pid": me.pid, "started_at": me.create_time(), "code": version.code_version()}
    files.write_json(ready, about)
    log.info("is ready")
    try:
        yield
    finally:
        ready.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
