"""What all tables share: the names of their constraints, and the columns of jobs."""

from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def job_columns() -> list[Column[Any]]:
    """Make the columns that every process-backed row has."""
    return [
        Column("status", Text, nullable=False),
        Column("stop_requested", Boolean, nullable=False, default=False),
        Column("device", Text),  # "cpu", "cuda:0"; given by the dispatcher
        Column("pid", Integer),
        Column("process_started_at", Float),  # with the pid: which process it was
        Column("heartbeat_at", Float),
        Column("created_at", Float, nullable=False),
        Column("started_at", Float),
        Column("finished_at", Float),
        Column("progress_done", Integer, nullable=False, default=0),
        Column("progress_total", Integer),
        Column("progress_rate", Float),  # per second
        Column("remaining_seconds", Float),
        Column("message", Text, nullable=False, default=""),
        Column("error", Text),
        Column("hint", Text),
    ]
