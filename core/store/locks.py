"""Work that only one process of a home may do at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from core.domain.errors import ConflictError
from core.store import files


@contextmanager
def alone(name: str, *, busy: ConflictError) -> Iterator[None]:
    """Hold a lock file, which a process that dies lets go of; raises `busy` where it is held."""
    with files.lock(name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise busy from error
        yield
