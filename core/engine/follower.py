"""A process that shares a run's fits: `python -m core.engine.follower RANK N PORT RUN_ID`.

`core.engine.parallel` starts it, and tells it by lines of JSON what to do. When these end, because
the run's process closed them or died, it ends at once, whatever it is waiting for.
"""

import json
import os
import queue
import sys
import threading
import traceback
from typing import Any, BinaryIO, NoReturn

from core.engine import worker

FAILED, LEFT_ALONE, OUT_OF_MEMORY = 1, 3, 77
"""Exit statuses: the leader asks why a process ended."""


class Lines:
    """The lines of a stream, read by a thread that ends the process with the stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, name="leader", daemon=True).start()

    def receive(self) -> dict[str, Any]:
        """Wait for the next line."""
        return self._said.get()

    def _read(self) -> None:
        try:
            for line in self._stream:
                self._said.put(json.loads(line))
        finally:
            os._exit(LEFT_ALONE)  # the main thread may wait for processes that are no more


def main(arguments: list[str]) -> int:
    """Read the command line, and follow until the leader closes the stream."""
    match arguments:
        case [rank, n, port, run_id]:
            answer = _keep_output_free()
            lines = Lines(sys.stdin.buffer)
            worker.log_to_stderr()
            worker.let_threads_sleep()
            _follow(lines, answer, run_id, (int(rank), int(n), int(port)))
    sys.stderr.write("usage: python -m core.engine.follower RANK N PORT RUN_ID\n")
    return 2


def _follow(lines: Lines, answer: BinaryIO, run_id: str, place: tuple[int, int, int]) -> NoReturn:
    from core.domain.errors import OutOfMemoryError
    from core.engine import following

    status = FAILED
    try:
        following.follow(lines.receive, answer, run_id, place)
    except OutOfMemoryError as error:
        sys.stderr.write(f"{error.sentence}\n")
        status = OUT_OF_MEMORY
    except BaseException:  # noqa: BLE001  # whatever it was: the leader waits for this share
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(status)  # an orderly end would wait for the thread that reads


def _keep_output_free() -> BinaryIO:
    """Keep standard output for the answer, and have whatever is printed go into the log."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
