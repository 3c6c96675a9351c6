"""The rows that a fit produces, on their way into the database."""

import threading
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.engine.checkpoints import Point
from core.store import database, files, frames, schema

Row = dict[str, Any]


class Ledger:
    """Collect a run's stages, steps and epochs; another thread writes them (`flush`)."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._steps: list[Row] = []
        self._stages: set[int] = set()
        self._notes: dict[int, str] = {}
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
        """Note what a stage trains, before its first batch; once, also where it is continued.

        Of a stage that is continued only what is done otherwise than before is noted.
        """
        if columns["stage"] not in self._stages:
            self._stages.add(columns["stage"])
            self._add(schema.stages, columns)
        elif columns.get("note"):
            self.note_stage(columns["stage"], columns["note"])

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
        return pd.DataFrame(self._steps, columns=_step_names())

    def note_stage(self, stage: int, note: str) -> None:
        """Note what was done otherwise than the recipe says, besides what was noted before."""
        with self._lock:
            before = self._notes.get(stage)
            self._notes[stage] = f"{before} {note}" if before else note

    def go_on(self, point: Point | None) -> None:
        """Forget what came after a checkpoint, or all, and take up what came before it."""
        steps, epochs, stages = schema.steps.c, schema.epochs.c, schema.stages.c
        n_steps, epoch = (point.n_steps, point.epoch) if point else (0, 0)
        later = (
            sa.delete(schema.steps).where(steps.step >= n_steps),
            sa.delete(schema.epochs).where(epochs.epoch >= epoch),
            sa.delete(schema.stages).where(stages.stage >= _first_new_stage(point)),
        )
        with self._lock:
            self._pending = _empty()
        with database.writing() as connection:
            for forget in later:
                connection.execute(forget.where(forget.table.c.run_id == self._run_id))
            mine = sa.select(stages.stage).where(stages.run_id == self._run_id)
            self._stages = set(connection.execute(mine).scalars())
            stored = self._stored(connection)
        if len(stored) < n_steps:  # it had ended: its steps are in a file
            stored = self._from_file(n_steps, known=len(stored))
        self._steps = stored

    def flush(self, connection: sa.Connection) -> None:
        """Write what was not written yet; it stays collected until `flushed`."""
        with self._lock:
            pending = {table: list(rows) for table, rows in self._pending.items()}
            notes, self._notes = self._notes, {}
        self._in_flight = {table: len(rows) for table, rows in pending.items()}
        for table, rows in pending.items():
            if rows:
                connection.execute(sa.insert(table), rows)
        stages = schema.stages
        for stage, note in notes.items():
            mine = sa.and_(stages.c.run_id == self._run_id, stages.c.stage == stage)
            before = connection.execute(sa.select(stages.c.note).where(mine)).scalar()
            both = note if not before or note in before else f"{before} {note}"
            connection.execute(sa.update(stages).where(mine).values(note=both))

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

    def _stored(self, connection: sa.Connection) -> list[Row]:
        table = schema.steps
        columns = [table.c[name] for name in _step_names()]
        query = sa.select(*columns).where(table.c.run_id == self._run_id).order_by(table.c.step)
        return [dict(row) for row in connection.execute(query).mappings()]

    def _from_file(self, n_steps: int, *, known: int) -> list[Row]:
        """Read the steps from the run's file, and have the unknown ones written for the chart."""
        frame = frames.load(files.run_steps(self._run_id), _step_names())
        rows: list[Row] = frame.head(n_steps).to_dict("records")
        for row in rows[known:]:
            self._add(schema.steps, row)
        return rows

    def _add(self, table: sa.Table, columns: Row) -> None:
        with self._lock:
            self._pending[table].append({"run_id": self._run_id, **columns})


def _first_new_stage(point: Point | None) -> int:
    if point is None:
        return 0
    return point.stage + (point.stage_epochs > 0)


def _step_names() -> list[str]:
    return [column.name for column in schema.steps.columns if column.name != "run_id"]


def _empty() -> dict[sa.Table, list[Row]]:
    return {schema.stages: [], schema.steps: [], schema.epochs: []}
