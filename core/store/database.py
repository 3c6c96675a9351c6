"""One connection pool a home, short transactions, and no reader that meets a half-done write.

SQLite runs in WAL mode. Every writing transaction is `BEGIN IMMEDIATE`: with plain `BEGIN` two
writers that both read first fail with "database is locked", whatever the timeout.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from core.domain.errors import StoreError
from core.store import files, migrate

BUSY_SECONDS = 10
_engines: dict[str, sa.Engine] = {}
_lock = threading.Lock()


def url() -> str:
    """Give the database's address: `WINNOW_DATABASE_URL`, else the file in the home folder."""
    return os.environ.get("WINNOW_DATABASE_URL") or f"sqlite:///{files.database()}"


def engine() -> sa.Engine:
    """Give the pool of the current home, made and migrated on first use in a process."""
    address = url()
    with _lock:
        if address not in _engines:
            made = _make(address)
            migrate.upgrade(made)
            _engines[address] = made
        return _engines[address]


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """Open a transaction that only reads: it sees one state of the store."""
    with _sentences(), engine().connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing() -> Iterator[sa.Connection]:
    """Open a writing transaction: committed when the block ends, undone when it raises."""
    with (
        _sentences(),
        engine().connect().execution_options(winnow_writes=True) as connection,
        connection.begin(),
    ):
        yield connection


def forget() -> None:
    """Drop all pools without closing what another process may hold."""
    for made in _engines.values():
        made.dispose(close=False)
    _engines.clear()


os.register_at_fork(after_in_child=forget)


def _make(address: str) -> sa.Engine:
    if not address.startswith("sqlite"):
        return sa.create_engine(address)
    made = sa.create_engine(address, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(made, "connect", _prepare)
    sa.event.listen(made, "begin", _begin)
    return made


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("winnow_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        raise StoreError(
            f"The database {url()} refused: {error.orig}.",
            hint="Check that the disk is not full and that Winnow may write to its home folder.",
        ) from error
    except sa.exc.TimeoutError as error:
        raise StoreError(
            "The database is too busy: no connection came free.", hint="Try again in a moment."
        ) from error
