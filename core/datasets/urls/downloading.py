"""Download what waits, side by side: the work of a task of kind "download".

What has arrived is stored as it comes, so that a download that was stopped or killed goes on with
the addresses that still wait. A scan afterwards makes items of the files.
"""

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.datasets import decoding, folders
from core.datasets.catalog import registry
from core.datasets.scan import Reporter
from core.datasets.urls import downloads
from core.datasets.urls.arriving import Arrival, Courier
from core.datasets.urls.downloads import Download
from core.datasets.urls.fetching import Limits
from core.datasets.urls.shelving import Shelf
from core.datasets.urls.turns import Turns
from core.domain.errors import ConflictError, StoreError
from core.store import files, locks

AT_ONCE = 8
BLOCK = 20_000
"""So many addresses are in memory at once."""

FLUSH_ROWS = 50
FLUSH_SECONDS = 0.5
POLL_SECONDS = 0.2
PARTS = ".downloads"
"""The folder of temporary files, hidden from scans."""


def run(
    dataset_id: str, params: dict[str, Any], lease: Reporter, *, limits: Limits | None = None
) -> dict[str, Any] | None:
    """Download a dataset's waiting addresses and give the numbers, or None when it was stopped.

    With `allow_private` among the params, addresses inside the machine and its network are
    fetched too. Raises FolderError where the dataset's folder is gone, UrlError where it is not
    Winnow's own, ConflictError where another download of it is under way, and StoreError where
    nothing can be written.
    """
    began = time.monotonic()
    dataset = registry.get(dataset_id)
    root = folders.resolve(dataset.root)
    downloads.check_place(dataset)
    busy = ConflictError(
        "The addresses of this dataset are being downloaded already.",
        hint="Wait for that download to end, or stop it first.",
    )
    with locks.alone(f"download-{dataset_id}", busy=busy), _parts(root) as parts:
        n_children = min(AT_ONCE, len(os.sched_getaffinity(0)))
        with decoding.Pool(n_children=n_children) as pool:
            courier = Courier(
                parts,
                pool,
                limits=limits or Limits(),
                allow_private=bool(params.get("allow_private", False)),
            )
            work = _Work(dataset_id, root, courier, lease)
            if not work.do():
                return None
    found = downloads.counts(dataset_id)
    seconds = round(time.monotonic() - began, 3)
    return {**{f"n_{status}": number for status, number in found.items()}, "seconds": seconds}


@contextmanager
def _parts(root: Path) -> Iterator[Path]:
    """Make the folder of temporary files anew, and take it away afterwards."""
    folder = root / PARTS
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
    except OSError as error:
        raise StoreError(
            f"{folder} could not be made: {error.strerror or error}.", hint=files.ROOM_HINT
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Work:
    """One download of a dataset: gives out rows, shelves what comes back, and tells."""

    def __init__(self, dataset_id: str, root: Path, courier: Courier, lease: Reporter) -> None:
        self._dataset_id = dataset_id
        self._courier = courier
        self._lease = lease
        self._shelf = Shelf(dataset_id, root)
        self._total = downloads.counts(dataset_id)["waiting"]
        self._n_done = 0
        self._began = self._flushed = time.monotonic()
        self._is_stopped = False

    def do(self) -> bool:
        """Work until nothing waits, or a stop: false then, where something still waits."""
        self._report()
        threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="download")
        try:
            last = 0
            while not self._is_stopped:
                block = downloads.waiting(self._dataset_id, after_id=last, limit=BLOCK)
                if not block:
                    break
                last = block[-1].id
                self._do_block(Turns(block), threads)
        finally:
            self._courier.call_off()
            threads.shutdown()
            self._flush()
        return not self._is_stopped or downloads.counts(self._dataset_id)["waiting"] == 0

    def _do_block(self, turns: Turns, threads: ThreadPoolExecutor) -> None:
        going: dict[Future[Arrival | None], Download] = {}
        while True:
            self._look_for_stop()
            while not self._is_stopped and len(going) < AT_ONCE:
                row = turns.take()
                if row is None:
                    break
                going[threads.submit(self._courier.bring, row)] = row
            if not going:
                return
            done, _ = wait(going, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                turns.give_back(going.pop(future))
                self._shelve(future.result())
            self._flush_when_due()

    def _look_for_stop(self) -> None:
        if not self._is_stopped and self._lease.should_stop():
            self._is_stopped = True
            self._courier.call_off()

    def _shelve(self, arrival: Arrival | None) -> None:
        if arrival is not None:
            self._shelf.put(arrival)
            self._n_done += 1

    def _flush_when_due(self) -> None:
        late = time.monotonic() - self._flushed > FLUSH_SECONDS
        if late or self._shelf.n_open >= FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        self._shelf.flush()
        self._flushed = time.monotonic()
        self._report()

    def _report(self) -> None:
        rate = self._n_done / max(1e-3, time.monotonic() - self._began)
        left = max(0, self._total - self._n_done)
        self._lease.report(
            progress_done=self._n_done,
            progress_total=max(self._total, self._n_done),
            progress_rate=rate,
            remaining_seconds=left / rate if self._n_done else None,
            message="Downloading images",
        )
