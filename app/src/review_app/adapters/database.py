"""Opens the store's database and keeps its schema in step with the code."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

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


def migrate(engine: Engine) -> None:
    """Brings the store to the newest schema, in one transaction. Raises StoreUnavailable."""
    with writing(engine) as connection:
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def require_newest_schema(engine: Engine) -> None:
    """Raises StoreOutdated unless `migrate` has been run; StoreUnavailable when the store cannot be opened."""
    with reading(engine) as connection:
        found = set(MigrationContext.configure(connection).get_current_heads())
    wanted = set(ScriptDirectory.from_config(_alembic_config()).get_heads())
    if found != wanted:
        raise StoreOutdated(
            f"The store has schema {_named(found)}, this app needs {_named(wanted)}: run `{MIGRATE_COMMAND}`."
        )


def _named(heads: set[str]) -> str:
    return ", ".join(sorted(heads)) or "none"


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("review_app.adapters") / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
