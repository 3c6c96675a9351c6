"""A child that reads image files within limits: `python -m core.datasets.decode_child`.

Requests come as lines of JSON on stdin, `[path, size_px]`; each is answered with one line of JSON
on stdout, after a first line that says that the child is ready. A file that takes too long ends
the child by SIGALRM, one that wants too much memory is refused. The child ends with its parent, or
when nothing was asked for a while.
"""

import json
import os
import resource
import select
import signal
import sys
import warnings
from typing import Any

from core.datasets import reading

MEMORY_BYTES = 3 * 1024**3
FILE_SECONDS = 20.0
IDLE_SECONDS = 60.0
READY = "ready\n"


def main() -> None:
    """Answer requests until stdin ends."""
    file_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else FILE_SECONDS
    limit()
    warnings.simplefilter("ignore", UserWarning)  # Pillow's, on every odd tag of every photo
    # Anything a decoder prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    answers.write(READY)
    for line in iter(_next_line, b""):
        path, size_px = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, file_seconds)
        answer = _answer(path, size_px)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(json.dumps(answer) + "\n")


def limit() -> None:
    """Cap this process's memory, switch core dumps off, and let the alarm kill."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to handle
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(path: str, size_px: int) -> dict[str, Any]:
    try:
        return vars(reading.read(path, size_px))
    except MemoryError:
        return {"reason": "needs more memory than is allowed for one image"}
    except OSError as error:  # the file's own are told as damage: this one is the cache's
        return {"failure": f"{error.filename or 'The thumbnail cache'}: {error.strerror or error}"}


_input = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115  # lives as long as the process
_buffer = bytearray()


def _next_line() -> bytes:
    """Give the next request, or nothing when the parent is gone or silent for long."""
    while b"\n" not in _buffer:
        if not select.select([_input], [], [], IDLE_SECONDS)[0]:
            return b""
        chunk = _input.read(65536)
        if not chunk:
            return b""
        _buffer.extend(chunk)
    line, _, rest = bytes(_buffer).partition(b"\n")
    _buffer[:] = rest
    return line


if __name__ == "__main__":
    main()
