"""Feedback in SQLite through SQLAlchemy core: one row a prediction, the last word on it."""

from sqlite3 import Connection

from sqlalchemy import Column, Double, Engine, MetaData, String, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from model_service.domain import Feedback, FeedbackNotStored

__all__ = ["SqlFeedbackStore"]

# Seconds that a write waits for another one; under the callers' own patience.
BUSY_TIMEOUT_S = 1.5

_metadata = MetaData()
feedback_table = Table(
    "feedback",
    _metadata,
    Column("prediction_id", String(56), primary_key=True),
    Column("label", String(63), nullable=True, comment="null: withdrawn"),
    Column("predicted_label", String(63), nullable=False),
    Column("model", String(16), nullable=False, comment="first bytes of the model's sha256, as hex"),
    Column("model_version", String(63), nullable=False),
    Column("predicted_at_s", Double, nullable=False, comment="seconds since 1970, UTC"),
    Column("given_at_s", Double, nullable=False, comment="seconds since 1970, UTC"),
)


class SqlFeedbackStore:
    """Writes are on disk when `put` returns: write-ahead log, synchronous=FULL."""

    def __init__(self, url: str) -> None:
        """`url`: SQLAlchemy's, of a SQLite file. Connects first when used."""
        # hide_parameters: an error's words must not hold what was to be stored.
        self._engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(self._engine, "connect", _make_durable)

    def create_table(self) -> None:
        """Make the table if there is none, and leave no connection open. Raises FeedbackNotStored."""
        try:
            _metadata.create_all(self._engine)
        except SQLAlchemyError as error:
            raise FeedbackNotStored(_reason(error)) from error
        finally:
            self.close()

    def put(self, feedback: Feedback) -> bool:
        """See FeedbackStore."""
        row = insert(feedback_table).values(vars(feedback))
        changed = {"label": row.excluded.label, "given_at_s": row.excluded.given_at_s}
        last_word = row.on_conflict_do_update(
            index_elements=["prediction_id"],
            set_=changed,
            where=feedback_table.c.label.is_distinct_from(row.excluded.label),
        )
        try:
            with self._engine.begin() as connection:
                return connection.execute(last_word).rowcount > 0
        except SQLAlchemyError as error:
            raise FeedbackNotStored(_reason(error)) from error

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self._engine.dispose()

    @property
    def engine(self) -> Engine:
        return self._engine


def _make_durable(connection: Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _reason(error: SQLAlchemyError) -> str:
    """SQLite's own words ("database is locked"), without the statement."""
    return str(getattr(error, "orig", None) or type(error).__name__)
