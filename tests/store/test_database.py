import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.domain.errors import StoreError
from core.runs.processes import PROJECT
from core.store import database, files, schema

STEP = {
    "step": 0,
    "stage": 0,
    "loss": 1.0,
    "smooth_loss": 1.0,
    "lr": 0.1,
    "momentum": 0.9,
    "seconds": 0.0,
}
WRITER = """
import sqlalchemy as sa
from core.store import database, schema
row = schema.datasets.c.revision
for _ in range({n}):
    with database.writing() as connection:
        value = connection.execute(sa.select(row)).scalar_one()
        connection.execute(sa.update(schema.datasets).values(revision=value + 1))
"""


def insert_dataset(dataset_id: str = "d-1") -> None:
    with database.writing() as connection:
        connection.execute(
            sa.insert(schema.datasets).values(
                id=dataset_id,
                name="x",
                root=f"/{dataset_id}",
                labeller={},
                source="folder",
                revision=0,
                created_at=0.0,
                ignored={},
            )
        )


def test_the_migrations_make_exactly_the_tables_of_the_schema():
    with database.reading() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, schema.metadata)

    assert differences == []


def test_the_database_is_in_wal_mode_and_checks_foreign_keys():
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_block_that_raises_leaves_nothing():
    def half() -> None:
        with database.writing() as connection:
            connection.execute(sa.text("DELETE FROM alembic_version"))
            connection.execute(sa.insert(schema.steps).values(run_id="run-none", **STEP))

    with pytest.raises(sa.exc.IntegrityError):
        half()

    with database.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_three_processes_that_read_and_then_write_lose_no_update():
    insert_dataset()
    code = WRITER.format(n=40)

    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=PROJECT, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [writer.communicate(timeout=120)[1] for writer in writers]

    assert [writer.returncode for writer in writers] == [0, 0, 0], said
    with database.reading() as connection:
        assert connection.execute(sa.select(schema.datasets.c.revision)).scalar() == 120


def test_a_refusing_database_is_told_in_a_sentence():
    database.engine()
    with sqlite3.connect(files.database()) as other:
        other.execute("DROP TABLE lr_finds")

    with pytest.raises(StoreError, match="no such table"), database.reading() as connection:
        connection.execute(sa.select(schema.lr_finds))
