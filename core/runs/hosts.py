"""Talk to the preloaded engine process: is it there, start it, have it fork a worker."""

import errno
import fcntl
import json
import os
from pathlib import Path

from core.runs import processes
from core.store import files


def engine_module(name: str) -> str:
    """Name a module of the engine; `WINNOW_ENGINE` puts another package in its place for tests."""
    return f"{os.environ.get('WINNOW_ENGINE') or 'core.engine'}.{name}"


def warm() -> None:
    """Start the host unless one runs; it takes some seconds to import fastai."""
    if not is_running():
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
    """Say whether the host has imported everything."""
    return is_running() and (files.engine_folder() / "ready").exists()


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
