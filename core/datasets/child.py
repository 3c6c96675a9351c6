"""One child process that reads image files within limits, seen from its parent."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.datasets.decode_child import FILE_SECONDS, READY
from core.datasets.reading import Reading
from core.domain.errors import StoreError
from core.store import files

__all__ = ["FILE_SECONDS", "Child"]

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "core.datasets.decode_child")
START_SECONDS = 60.0
GRACE_SECONDS = 10.0
"""A child owes an answer this long after its own alarm would have ended it."""


class Child:
    """A child that is started when it is needed, and again when it died; one thread at a time."""

    def __init__(
        self, *, file_seconds: float = FILE_SECONDS, command: Sequence[str] = COMMAND
    ) -> None:
        self._file_seconds = file_seconds
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    @property
    def pid(self) -> int | None:
        """Give the process's id, or None while there is none."""
        return self._process.pid if self._process else None

    def read_many(self, paths: Sequence[str], size_px: int) -> list[Reading]:
        """Read files in order; one that ends the child is broken, and ends nothing else."""
        found: list[Reading] = []
        suspect = -1
        while len(found) < len(paths):
            rest = paths[len(found) :]
            ending = self._ask(rest[:1] if suspect == len(found) else rest, size_px, found)
            if ending in (None, 0):  # all answered, or it ended itself because nothing was asked
                continue
            if suspect == len(found) or ending == -signal.SIGALRM:
                found.append(Reading(reason=self._in_words(ending)))
            else:
                suspect = len(found)  # it may have been killed from outside: ask again, alone
        return found

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def _ask(self, paths: Sequence[str], size_px: int, found: list[Reading]) -> int | None:
        """Append the answers to `found`; give the exit status if the child ended meanwhile."""
        process = self._running()
        lines = "".join(json.dumps([path, size_px]) + "\n" for path in paths)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its exit status tells more
            process.stdin.write(lines.encode())
            process.stdin.flush()
        for _ in paths:
            line = self._line(self._file_seconds + GRACE_SECONDS)
            if line is None:
                return self._reap()
            found.append(_reading(json.loads(line)))
        return None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            own = {"WINNOW_HOME": str(files.home()), "OPENBLAS_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                [*self._command, str(self._file_seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=PROJECT,
                env=os.environ | own,
            )
            if self._line(START_SECONDS) != READY.strip():
                raise StoreError(
                    f"The process that opens images ended at once with status {self._reap()}.",
                    hint="See the log; it needs about 400 MB of free memory.",
                )
        return self._process

    def _line(self, seconds: float) -> str | None:
        """Give the next line, or None at the child's end; a child that hangs is killed."""
        assert self._process is not None
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            if not select.select([output], [], [], seconds)[0]:
                self._process.send_signal(signal.SIGALRM)
                self._process.kill()
            chunk = os.read(output, 65536)
            if not chunk:
                return None
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()

    def _reap(self) -> int:
        process, self._process, self._buffer = self._process, None, b""
        assert process is not None
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
        return process.wait()

    def _in_words(self, ending: int) -> str:
        if ending == -signal.SIGALRM:
            return f"takes longer than {self._file_seconds:g} s to decode"
        if ending < 0:
            return f"makes the decoder crash ({signal.Signals(-ending).name})"
        return f"makes the decoder fail (status {ending})"


def _reading(answer: dict[str, Any]) -> Reading:
    if "failure" in answer:
        raise StoreError(
            f"A thumbnail could not be written: {answer['failure']}.",
            hint="Free space or correct the permissions of Winnow's home folder, then scan again.",
        )
    return Reading(**answer)
