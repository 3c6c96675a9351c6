"""Bring a database to the newest schema, one process at a time."""

import fcntl
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

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
        with writer as connection, connection.begin():
            if MigrationContext.configure(connection).get_current_revision() != newest:
                command.upgrade(config(connection), "head")
