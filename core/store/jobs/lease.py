"""What a process does while it holds a row: heartbeat, progress, rows, and the end.

One thread of the worker speaks to the database, at most twice a second, in one transaction: it
brings progress, heartbeat and whatever rows the work has collected, and takes back stop requests.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import psutil
import sqlalchemy as sa

from core.domain.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    StoreError,
    WinnowError,
)
from core.domain.jobs import ACTIVE, HEARTBEAT_SECONDS, RunStatus, Wish
from core.store import clock, database
from core.store.jobs.asking import no_wish

FLUSH_SECONDS = 0.5
Flush = Callable[[sa.Connection], None]
Flushed = Callable[[], None]


class Lease:
    """Hold a job's row while the block runs; leave it with `finish`, or it ends as failed."""

    def __init__(self, table: sa.Table, job_id: str) -> None:
        self.table = table
        self.job_id = job_id
        self._pending: dict[str, Any] = {}
        self._flushes: list[Flush] = []
        self._flushed: list[Flushed] = []
        self._failure: Exception | None = None
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._wish: Wish | None = None
        self._is_lost = False
        self._lock = threading.Lock()
        self._exchanging = threading.Lock()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        me = psutil.Process()
        now = clock.now()
        taken = (
            sa.update(self.table)
            .where(self.table.c.id == self.job_id, self.table.c.pid.is_(None))
            .where(self.table.c.status.in_(("queued", *ACTIVE)))
            .values(
                status=sa.case((self.table.c.stop_requested, "stopping"), else_="running"),
                pid=me.pid,
                process_started_at=me.create_time(),
                heartbeat_at=now,
                started_at=now,
            )
        )
        with database.writing() as connection:
            if connection.execute(taken).rowcount != 1:
                raise ConflictError(f"{self.job_id} is not waiting for a worker.")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def report(self, **columns: Any) -> None:
        """Set progress columns, written with the next flush; cheap enough for every batch."""
        with self._lock:
            self._pending.update(columns)

    def on_flush(self, flush: Flush, flushed: Flushed | None = None) -> None:
        """Have `flush` write collected rows in each flush's transaction.

        `flushed` is called when that transaction was committed: only then may the rows be dropped.
        """
        self._flushes.append(flush)
        if flushed is not None:
            self._flushed.append(flushed)

    def should_stop(self) -> bool:
        """Say whether a person, or SIGTERM, asked for an end."""
        return self._stop.is_set()

    def wish(self) -> Wish | None:
        """Give what else a person asks for, which can be taken back."""
        return self._wish

    def save_now(self) -> None:
        """Bring what was collected into the database before the work goes on.

        Raises ConflictError where the row is no longer this process's: whatever it writes into
        files from then on would be another's.
        """
        self._exchange()
        if self._is_lost:
            raise _not_ours(self.job_id)

    def ask_to_stop(self) -> None:
        """Ask the work to end itself, as a person's stop does."""
        self._stop.set()

    def finish(self, status: RunStatus, **columns: Any) -> None:
        """Write the last rows and the end in one transaction; nothing is written after it.

        An error that the database thread met on the way is raised here, in the work's own thread.
        """
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        with database.writing() as connection:
            if not self._flush(connection):
                raise _not_ours(self.job_id)
            values = {"status": status, "finished_at": clock.now(), **columns}
            connection.execute(self._mine().values(**values))

    def fail(self, sentence: str, hint: str) -> None:
        """End the row as failed with a reason; a row that is not ours any more is left alone."""
        try:
            over = {"message": "", "remaining_seconds": None, **no_wish(self.table)}
            self.finish("failed", error=sentence, hint=hint, **over)
        except ConflictError as error:
            sys.stderr.write(f"{error.sentence}\n")

    def _mine(self) -> sa.Update:
        return (
            sa.update(self.table)
            .where(self.table.c.id == self.job_id, self.table.c.pid == os.getpid())
            .where(self.table.c.status.in_(ACTIVE))
        )

    def _flush(self, connection: sa.Connection) -> bool:
        """Write what was collected; False, and nothing is written, where the row is not ours."""
        with self._lock:
            values, self._pending = self._pending, {}
        values["heartbeat_at"] = clock.now()
        if "status" in values:  # a stop that came meanwhile is stronger
            stopping = self.table.c.stop_requested
            values["status"] = sa.case((stopping, "stopping"), else_=values["status"])
        if connection.execute(self._mine().values(**values)).rowcount != 1:
            self._is_lost = True  # it was called lost, and another process may be at work on it
            self._stop.set()
            return False
        for flush in self._flushes:
            flush(connection)
        return True

    def _beat(self) -> None:
        last = 0.0
        while not self._ended.wait(FLUSH_SECONDS):
            due = clock.now() - last > HEARTBEAT_SECONDS
            if not (due or self._pending or self._flushes):
                continue
            try:
                self._exchange()
                last = clock.now()
            except StoreError:  # a full disk may have room again; the rows are kept until then
                traceback.print_exc()
            except Exception as error:  # noqa: BLE001  # raised again by `finish`
                self._failure = error
                self._stop.set()
                return

    def _exchange(self) -> None:
        """Bring what was collected, and take a stop request back."""
        table = self.table
        wish = table.c.wish if "wish" in table.c else sa.null().label("wish")
        query = sa.select(table.c.stop_requested, wish).where(table.c.id == self.job_id)
        with self._exchanging:
            with database.writing() as connection:
                is_ours = self._flush(connection)
                asked = connection.execute(query).first()
            if not is_ours:
                return
            if asked is not None:
                self._wish = asked.wish
                if asked.stop_requested:
                    self._stop.set()
            for flushed in self._flushed:
                flushed()


def _not_ours(job_id: str) -> ConflictError:
    return ConflictError(
        f"{job_id} was taken for lost while its process was silent, and is no longer its own.",
        hint="Nothing more is written. If it was continued meanwhile, that goes on.",
    )


def work(table: sa.Table, job_id: str, do: Callable[[Lease], None]) -> None:
    """Run `do` under a lease; an exception ends the row as failed, with a sentence and a log."""
    with Lease(table, job_id) as lease:
        signal.signal(signal.SIGTERM, lambda _number, _frame: lease.ask_to_stop())
        try:
            do(lease)
        except WinnowError as error:
            _print(error)
            lease.fail(error.sentence, error.hint)
        except Exception as error:  # noqa: BLE001  # the worker's last line: it must leave a reason
            traceback.print_exc()
            lease.fail(
                f"Winnow met an error of its own: {type(error).__name__}: {error}",
                "The log has the details; please report it.",
            )


def _print(error: WinnowError) -> None:
    """Log an error that is told anyway; its traceback only where it may be needed."""
    if isinstance(error, InputError | ConflictError | NotFoundError):
        sys.stderr.write(f"{error.sentence} {error.hint}\n")
    else:
        traceback.print_exc()
