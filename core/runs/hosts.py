"""Talk to the preloaded engine process: is it there, start it, have it fork a worker."""

import contextlib
import errno
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from core.runs import processes
from core.store import files, jobs, version

PATIENCE_SECONDS = 10.0
"""A host that was started needs a second or two until it holds its lock."""

_started_at = -PATIENCE_SECONDS


def engine_module(name: str) -> str:
    """Name a module of the engine; `WINNOW_ENGINE` puts another package in its place for tests."""
    return f"{os.environ.get('WINNOW_ENGINE') or 'core.engine'}.{name}"


def renew() -> None:
    """Start the host, in place of one that was started from other code; for a server's start.

    The workers of the old host go on. The new one waits for the old one's lock.
    """
    found = _ready()
    if found is None or found["code"] == version.code_version():
        warm()
        return
    if jobs.is_alive(found["pid"], found["started_at"]):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found["pid"], signal.SIGTERM)
    _start()


def warm() -> None:
    """Start the host unless one runs or was started just now; importing fastai takes seconds."""
    if time.monotonic() - _started_at > PATIENCE_SECONDS and not is_running():
        _start()


def is_running() -> bool:
    """Say whether a host holds the lock, ready or still importing."""
    path = files.engine_folder() / "host.lock"
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def is_ready() -> bool:
    """Say whether a host has imported everything."""
    return _ready() is not None and is_running()


def _start() -> None:
    global _started_at
    _started_at = time.monotonic()
    processes.start(engine_module("host"), [], log=files.engine_folder() / "log.txt")


def _ready() -> dict[str, Any] | None:
    """Read what a host wrote when it was ready: its pid, its start and its code."""
    path = files.engine_folder() / "ready"
    try:
        found = files.load_json(path)
    except FileNotFoundError:
        return None
    return (
        found if isinstance(found, dict) and {"pid", "started_at", "code"} <= set(found) else None
    )


def fork(kind: str, job_id: str, *, log: Path) -> bool:
    """Have the host fork a worker for a row; False where no host listens."""
    line = json.dumps({"kind": kind, "id": job_id, "log": str(log)}) + "\n"
    try:
        pipe = os.open(files.engine_folder() / "requests", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENOENT):
            return False
        raise
    try:
        os.write(pipe, line.encode())  # shorter than PIPE_BUF: never torn
    except (BrokenPipeError, BlockingIOError):  # it ended just now, or does not read any more
        return False
    finally:
        os.close(pipe)
    return True
