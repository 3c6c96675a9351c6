"""Bring a database to the newest schema, one process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.domain.errors import StoreError
from core.store import files

SCRIPTS = Path(__file__).parent / "migrations"


def config(connection: sa.Connection | None = None) -> Config:
    """Make Alembic's settings; there is no ini file."""
    made = Config()
    made.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def upgrade(engine: sa.Engine) -> None:
    """Apply the migrations that are missing; others who ask meanwhile wait."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    with files.lock("migrate").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        writer = engine.connect().execution_options(winnow_writes=True)
        with writer as connection, _unbound(connection), connection.begin():
            if MigrationContext.configure(connection).get_current_revision() != newest:
                command.upgrade(config(connection), "head")
                _check_bonds(connection)


@contextmanager
def _unbound(connection: sa.Connection) -> Iterator[None]:
    """Let a table be made anew while others refer to it: SQLite cannot alter constraints."""
    if connection.dialect.name != "sqlite":
        yield
        return
    bare = connection.connection.driver_connection  # outside of SQLAlchemy's transaction
    assert bare is not None
    bare.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        bare.execute("PRAGMA foreign_keys=ON")


def _check_bonds(connection: sa.Connection) -> None:
    """Refuse a migration that left a row referring to nothing."""
    if connection.dialect.name == "sqlite":
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if dangling is not None:
            raise StoreError(
                f"The database could not be brought up to date: {dangling[0]} refers to a row of "
                f"{dangling[2]} that is not there.",
                hint="Nothing was changed. Please report it.",
            )
