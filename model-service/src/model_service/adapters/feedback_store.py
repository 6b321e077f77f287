"""Feedback in SQLite through SQLAlchemy core: one row a prediction, the last word on it; predictions by the hour.

Statements become SQL when the store is made, which is before the workers are forked: a worker that wrote its SQL itself
would need 5 MB of its own for it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from sqlite3 import Connection
from typing import Any

from sqlalchemy import (
    Column,
    Double,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import ClauseElement

from model_service.domain import Feedback, FeedbackNotStored
from model_service.domain.live_accuracy import HOUR_S, Predicted

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
predicted_index = Index("feedback_predicted_at_s", feedback_table.c.predicted_at_s)
predictions_table = Table(
    "predictions",
    _metadata,
    Column("hour", Integer, primary_key=True, comment="since 1970, UTC"),
    Column("model_version", String(63), primary_key=True),
    Column("label", String(63), primary_key=True),
    Column("count", Integer, nullable=False),
)


class SqlFeedbackStore:
    """Writes are on disk when `put` returns: write-ahead log, synchronous=FULL."""

    def __init__(self, url: str) -> None:
        """`url`: SQLAlchemy's, of a SQLite file. Connects first when used."""
        # hide_parameters: an error's words must not hold what was to be stored.
        self._engine = create_engine(
            url, hide_parameters=True, paramstyle="named", connect_args={"timeout": BUSY_TIMEOUT_S}
        )
        event.listen(self._engine, "connect", _make_durable)
        self._put, self._add = self._sql(_put()), self._sql(_add())
        self._forget, self._predictions = self._sql(_forget()), self._sql(_predictions())
        self._last_words = self._sql(_last_words())

    def create_table(self) -> None:
        """Make the tables if there are none, and leave no connection open. Raises FeedbackNotStored."""
        try:
            _metadata.create_all(self._engine)
            # create_all leaves a table alone that an earlier version made.
            predicted_index.create(self._engine, checkfirst=True)
        except SQLAlchemyError as error:
            raise FeedbackNotStored(_reason(error)) from error
        finally:
            self.close()

    def put(self, feedback: Feedback) -> bool:
        """See FeedbackStore."""
        with self._failing_as_ours(), self._engine.begin() as connection:
            return connection.exec_driver_sql(self._put, vars(feedback)).rowcount > 0

    def add_predictions(self, hour: int, counts: Mapping[Predicted, int], oldest_hour: int) -> None:
        """See PredictionStore."""
        rows = [
            {"hour": hour, "model_version": version, "label": label, "count": count}
            for (version, label), count in counts.items()
        ]
        with self._failing_as_ours(), self._engine.begin() as connection:
            connection.exec_driver_sql(self._add, rows)
            connection.exec_driver_sql(self._forget, {"oldest_hour": oldest_hour})

    def predictions_since(self, since_s: int) -> Counter[Predicted]:
        """See PredictionStore."""
        rows = self._rows(self._predictions, {"since_hour": since_s // HOUR_S})
        return Counter({(version, label): count for version, label, count in rows})

    def last_words_since(self, since_s: int) -> list[tuple[str, str, str, int]]:
        """See PredictionStore."""
        rows = self._rows(self._last_words, {"since_s": since_s})
        return [(version, predicted, label, count) for version, predicted, label, count in rows]

    def _rows(self, wanted: str, values: dict[str, int]) -> Sequence[Any]:
        with self._failing_as_ours(), self._engine.connect() as connection:
            return connection.exec_driver_sql(wanted, values).all()

    def _sql(self, statement: ClauseElement) -> str:
        return str(statement.compile(self._engine))

    @staticmethod
    @contextmanager
    def _failing_as_ours() -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise FeedbackNotStored(_reason(error)) from error

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self._engine.dispose()

    @property
    def engine(self) -> Engine:
        return self._engine


def _put() -> ClauseElement:
    row = insert(feedback_table)
    return row.on_conflict_do_update(
        index_elements=["prediction_id"],
        set_={"label": row.excluded.label, "given_at_s": row.excluded.given_at_s},
        where=feedback_table.c.label.is_distinct_from(row.excluded.label),
    )


def _add() -> ClauseElement:
    row, count = insert(predictions_table), predictions_table.c.count
    return row.on_conflict_do_update(
        index_elements=["hour", "model_version", "label"], set_={"count": count + row.excluded.count}
    )


def _forget() -> ClauseElement:
    return delete(predictions_table).where(predictions_table.c.hour < bindparam("oldest_hour"))


def _predictions() -> ClauseElement:
    columns = predictions_table.c
    return (
        select(columns.model_version, columns.label, func.sum(columns.count))
        .where(columns.hour >= bindparam("since_hour"))
        .group_by(columns.model_version, columns.label)
    )


def _last_words() -> ClauseElement:
    columns = feedback_table.c
    said = (columns.model_version, columns.predicted_label, columns.label)
    return (
        select(*said, func.count())
        .where(columns.predicted_at_s >= bindparam("since_s"), columns.label.is_not(None))
        .group_by(*said)
    )


def _make_durable(connection: Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _reason(error: SQLAlchemyError) -> str:
    """SQLite's own words ("database is locked"), without the statement."""
    return str(getattr(error, "orig", None) or type(error).__name__)
