"""Opens the store's database, and holds its schema to the one that the code knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, column, create_engine, event, inspect, select, table
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from review_app.adapters.tables import SCHEMA
from review_app.domain.store import StoreUnavailable

BUSY_TIMEOUT_MS = 1_500
POOL_TIMEOUT_S = 2.0
MIGRATE_COMMAND = "review-app-migrate"


class StoreOutdated(Exception):
    """The store's schema is not the code's; the message names the command that mends it."""


def open_database(url: str) -> Engine:
    """An engine whose errors show no parameters: they would be review texts.

    SQLite: write-ahead log, every commit synced to disk, a bounded wait for a locked file.
    Raises StoreUnavailable when no database can be meant by `url`; connects to none yet.
    """
    try:
        engine = create_engine(url, hide_parameters=True, poolclass=QueuePool, pool_timeout=POOL_TIMEOUT_S)
    except (ArgumentError, ModuleNotFoundError) as error:  # no URL, or a database whose driver is not installed
        raise StoreUnavailable(f"APP_STORE_URL: {error}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - whatever driver the URL names
    connection.isolation_level = None  # BEGIN is ours, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Writers queue at BEGIN, where waiting works; a reader turned writer would fail at once instead."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading. Raises StoreUnavailable."""
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, PoolTimeout) as error:
        raise StoreUnavailable(_reason(error)) from error


def _reason(error: Exception) -> str:
    """What the driver says of the store's own state (locked, full, refused); of other errors only the kind."""
    return str(error.orig) if isinstance(error, OperationalError) else type(error).__name__


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, on disk when the block is left; rolled back by any exception. Raises StoreUnavailable."""
    with reading(engine.execution_options(writes=True)) as connection:
        yield connection


def require_newest_schema(engine: Engine) -> None:
    """Raises StoreOutdated unless `review-app-migrate` has been run; StoreUnavailable when the store can't be opened.

    Reads alembic's own table without alembic, whose import would make every restart of the app a third slower.
    """
    with reading(engine) as connection:
        found = _schema(connection)
    if found != SCHEMA:
        raise StoreOutdated(f"The store has schema {found}, this app needs {SCHEMA}: run `{MIGRATE_COMMAND}`.")


def _schema(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return "none"
    versions = connection.scalars(select(table("alembic_version", column("version_num"))))
    return ", ".join(sorted(versions)) or "none"
