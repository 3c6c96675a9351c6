"""A pool of children that open image files, so that no file takes a scan or the server with it.

Nothing is pickled: a child (see `decode_child`) takes and gives lines of JSON. It answers in
order, so when it dies, the first file without an answer is the one that did it: that one is asked
for once more, alone, and then counts as broken; the others go on in a new child.
"""

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType

from core.datasets import child
from core.datasets.reading import THUMBNAIL_PX, Reading
from core.store import files

CHUNK = 8
SERVER_SECONDS = 8.0
"""How long one file may take while a page waits for it."""


class Pool:
    """Read many files in a few children; leave the block to end them."""

    def __init__(
        self,
        *,
        n_children: int | None = None,
        file_seconds: float = child.FILE_SECONDS,
        command: Sequence[str] = child.COMMAND,
    ) -> None:
        self.n_children = n_children or len(os.sched_getaffinity(0))
        self._make = partial(child.Child, file_seconds=file_seconds, command=command)
        self._mine = threading.local()
        self._children: list[child.Child] = []
        self._threads = ThreadPoolExecutor(self.n_children, thread_name_prefix="decode")

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        for one in self._children:
            one.close()

    def read_all(self, paths: Sequence[str]) -> Iterator[Reading]:
        """Read files and give what was found, in the order of `paths`."""
        waiting: deque[Future[list[Reading]]] = deque()
        for start in range(0, len(paths), CHUNK):
            waiting.append(self._threads.submit(self._read, paths[start : start + CHUNK]))
            if len(waiting) > 4 * self.n_children:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()

    def _read(self, paths: Sequence[str]) -> list[Reading]:
        if not hasattr(self._mine, "child"):
            self._mine.child = self._make()
            self._children.append(self._mine.child)
        found: list[Reading] = self._mine.child.read_many(paths, THUMBNAIL_PX)
        return found


def read_one(path: Path, *, size_px: int = THUMBNAIL_PX) -> Reading:
    """Read one file in the child that this process keeps for it; may be called from any thread."""
    with _lock:
        return _keeper().read_many([str(path)], size_px)[0]


_lock = threading.Lock()
_kept: dict[Path, child.Child] = {}


def _keeper() -> child.Child:
    home = files.home()  # a child writes thumbnails into the home it was started for
    if home not in _kept:
        for other in _kept.values():
            other.close()
        _kept.clear()
        _kept[home] = child.Child(file_seconds=SERVER_SECONDS)
    return _kept[home]


def _forget() -> None:
    _kept.clear()  # after a fork the pipes are the parent's


os.register_at_fork(after_in_child=_forget)
