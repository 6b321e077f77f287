"""Views and clicks of the People page in the store: one row per visitor, release and card, however often they come."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Table, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from review_app.adapters.database import reading, writing
from review_app.adapters.tables import people_clicks, people_views
from review_app.domain.experiment import Assigned, ExperimentCount


class Counter(NamedTuple):
    """A table and the column of it that counts."""

    table: Table
    column: str


VIEWS, CLICKS = Counter(people_views, "views"), Counter(people_clicks, "clicks")


class StoredExperiment:
    """The store's Experiment."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def saw(self, release: str, visitor_id: str, assigned: Assigned, at: datetime) -> bool:
        key = {"release": release, "visitor_id": visitor_id}
        with writing(self._engine) as connection:
            first = not _known(connection, VIEWS, key)
            _count(connection, VIEWS, key, assigned, at)
        return first

    def clicked(self, release: str, visitor_id: str, assigned: Assigned, slug: str, at: datetime) -> bool:
        visitor = {"release": release, "visitor_id": visitor_id}
        with writing(self._engine) as connection:
            first = not _known(connection, CLICKS, visitor)
            _count(connection, CLICKS, {**visitor, "slug": slug}, assigned, at)
        return first

    def counts(self) -> list[ExperimentCount]:
        with reading(self._engine) as connection:
            views = _totals(connection, VIEWS)
            clicks = _totals(connection, CLICKS)
        releases = sorted(views.keys() | clicks.keys())
        return [ExperimentCount(name, *views.get(name, (0, 0)), *clicks.get(name, (0, 0))) for name in releases]


def _known(connection: Connection, counter: Counter, key: dict[str, str]) -> bool:
    return bool(connection.execute(select(exists().where(*_of(counter, key)))).scalar_one())


def _count(connection: Connection, counter: Counter, key: dict[str, str], assigned: Assigned, at: datetime) -> None:
    """Adds one; the row is made at the first. Portable: no dialect's own upsert."""
    if _add_one(connection, counter, key, at):
        return
    first: dict[str, Any] = {**key, "assigned": assigned, counter.column: 1, "first_at": at, "last_at": at}
    try:
        with connection.begin_nested():
            connection.execute(insert(counter.table).values(first))
    except IntegrityError:  # another process made the row between our two statements (Postgres)
        _add_one(connection, counter, key, at)


def _add_one(connection: Connection, counter: Counter, key: dict[str, str], at: datetime) -> bool:
    more = {counter.column: counter.table.c[counter.column] + 1, "last_at": at}
    return connection.execute(update(counter.table).where(*_of(counter, key)).values(more)).rowcount > 0


def _of(counter: Counter, key: dict[str, str]) -> list[ColumnElement[bool]]:
    return [counter.table.c[name] == value for name, value in key.items()]


def _totals(connection: Connection, counter: Counter) -> dict[str, tuple[int, int]]:
    """By release: how many in all, and by how many visitors."""
    columns = counter.table.c
    query = (
        select(columns.release, func.sum(columns[counter.column]), func.count(columns.visitor_id.distinct()))
        .where(columns.assigned == Assigned.COHORT)
        .group_by(columns.release)
    )
    return {release: (int(total), visitors) for release, total, visitors in connection.execute(query)}
