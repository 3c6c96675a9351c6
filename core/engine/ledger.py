"""The rows that a fit produces, on their way into the database."""

import threading
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.store import schema

Row = dict[str, Any]


class Ledger:
    """Collect a run's stages, steps and epochs; another thread writes them (`flush`)."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._steps: list[Row] = []
        self._pending: dict[sa.Table, list[Row]] = _empty()
        self._in_flight: dict[sa.Table, int] = {}
        self._lock = threading.Lock()

    @property
    def n_steps(self) -> int:
        """Count the steps so far, over all stages."""
        return len(self._steps)

    @property
    def last_smooth_loss(self) -> float:
        """Give the smoothed train loss after the last step."""
        return float(self._steps[-1]["smooth_loss"])

    def add_stage(self, **columns: Any) -> None:
        """Note what a stage trains, before its first batch."""
        self._add(schema.stages, columns)

    def add_step(self, **columns: Any) -> None:
        """Note a batch; its number is the next one."""
        row = {"step": len(self._steps), **columns}
        self._steps.append(row)
        self._add(schema.steps, row)

    def add_epoch(self, **columns: Any) -> None:
        """Note the measurements at the end of an epoch."""
        self._add(schema.epochs, columns)

    def steps(self) -> pd.DataFrame:
        """Give all steps so far as a table."""
        names = [column.name for column in schema.steps.columns if column.name != "run_id"]
        return pd.DataFrame(self._steps, columns=names)

    def flush(self, connection: sa.Connection) -> None:
        """Write what was not written yet; it stays collected until `flushed`."""
        with self._lock:
            pending = {table: list(rows) for table, rows in self._pending.items()}
        self._in_flight = {table: len(rows) for table, rows in pending.items()}
        for table, rows in pending.items():
            if rows:
                connection.execute(sa.insert(table), rows)

    def flushed(self) -> None:
        """Drop what the last flush wrote: it is committed."""
        with self._lock:
            for table, n_rows in self._in_flight.items():
                del self._pending[table][:n_rows]
        self._in_flight = {}

    def delete_steps(self, connection: sa.Connection) -> None:
        """Remove the run's steps from the database, once they are in a file.

        Only in the transaction that ends the run: the lease's own thread, which may flush just
        before, must not show a living run without its steps.
        """
        if threading.current_thread() is threading.main_thread():
            mine = schema.steps.c.run_id == self._run_id
            connection.execute(sa.delete(schema.steps).where(mine))

    def _add(self, table: sa.Table, columns: Row) -> None:
        with self._lock:
            self._pending[table].append({"run_id": self._run_id, **columns})


def _empty() -> dict[sa.Table, list[Row]]:
    return {schema.stages: [], schema.steps: [], schema.epochs: []}
