"""Talk to the preloaded engine process: is it there, start it, have it fork a worker."""

import contextlib
import errno
import fcntl
import json
import os
import signal
from pathlib import Path
from typing import Any

from core.runs import processes
from core.store import files, version


def engine_module(name: str) -> str:
    """Name a module of the engine; `WINNOW_ENGINE` puts another package in its place for tests."""
    return f"{os.environ.get('WINNOW_ENGINE') or 'core.engine'}.{name}"


def warm() -> None:
    """Start the host unless one runs; it takes some seconds to import fastai.

    One that was started from other code is asked to end first; its workers go on.
    """
    started = _ready()
    stale = started is not None and started["code"] != version.code_version()
    if started is not None and stale and is_running():
        with contextlib.suppress(ProcessLookupError):
            os.kill(started["pid"], signal.SIGTERM)
    elif is_running():
        return
    processes.start(engine_module("host"), [], log=files.engine_folder() / "log.txt")


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
    """Say whether a host of this code has imported everything."""
    started = _ready()
    return started is not None and started["code"] == version.code_version() and is_running()


def _ready() -> dict[str, Any] | None:
    """Read what a host wrote when it was ready: its pid and its code."""
    path = files.engine_folder() / "ready"
    try:
        found = files.load_json(path)
    except FileNotFoundError:
        return None
    return found if isinstance(found, dict) and {"pid", "code"} <= set(found) else None


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
    finally:
        os.close(pipe)
    return True
