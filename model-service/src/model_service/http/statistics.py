"""How often the APIs were called: /api/v1/statistics, and for the caller's own use /api/v1/usage."""

from collections.abc import Iterable
from time import time
from typing import Annotated, Any, Literal, Protocol

from apiflask import APIBlueprint
from flask import Response, jsonify
from lib_web.documentation import documented
from lib_web.json_body import Body
from lib_web.problems import FieldError, Problem
from lib_web.query import read_query
from pydantic import BaseModel, ConfigDict, Field, RootModel, WithJsonSchema

from model_service.domain.statistics import APIS, DAYS, WINDOWS, Row, Window, series
from model_service.domain.usage import bounded_name, days_of_use
from model_service.http.authentication import require_token

__all__ = ["Counts", "statistics_routes"]

_TAG = "statistics"


class Counts(Protocol):
    """Everything that was counted. `fault` says why it is only what this run has counted; None: it is everything."""

    fault: str | None

    def calls(self, window: Window, first: int, last: int) -> list[Row]: ...

    def metered(self, name: str, first: int, last: int) -> list[Row]: ...


# What is said must be said: `?api=` does not mean all.
_NOT_EMPTY = Field(min_length=1)
_MOST = min(window.kept for window in WINDOWS.values())


def _said_or(default: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    """What is taken when nothing is said. By a factory: a plain default would be in the document, as a string."""
    return Field(default_factory=lambda: default)


def _count_to(most: int, description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": 1, "maximum": most, "description": description})


class StatisticsQuery(Body):
    """Which calls, in which windows."""

    api: Annotated[
        str, _NOT_EMPTY, WithJsonSchema({"type": "string", "enum": APIS, "description": "All when not said"})
    ] = _said_or("")
    window: Literal["second", "minute", "hour"] = "minute"
    history: Annotated[str, _NOT_EMPTY, _count_to(_MOST, "That many windows too")] = _said_or("")


class UsageQuery(Body):
    """How far back."""

    days: Annotated[str, _count_to(DAYS.kept, "30 when not said")] = _said_or("30")


class WindowDocument(BaseModel):
    """One window of the past."""

    start: str = Field(description="Its first second, UTC")
    calls: int


class StatisticsDocument(BaseModel):
    """The calls of one API. The second member's name says of which window."""

    model_config = ConfigDict(extra="allow")

    api: str
    in_minute: int = Field(alias="number of calls in current minute", default=0)
    history: list[WindowDocument] = Field(default=[], description="Oldest first, the current one last; when asked for")
    incomplete: str = Field(default="", description="Only while the store can not be read: what is missing")


class AllStatisticsDocument(BaseModel):
    """The calls of every API."""

    apis: list[StatisticsDocument]
    incomplete: str = Field(default="", description="As for one")


class StatisticsReply(RootModel[StatisticsDocument | AllStatisticsDocument]):
    """Of one API, or of all when none is named."""


class DayDocument(BaseModel):
    """One day, UTC."""

    day: str
    calls: int
    characters: int = Field(description="Of the texts that were classified")


class UsageDocument(BaseModel):
    """What the caller used."""

    name: str = Field(description="Of the caller's token")
    days: list[DayDocument] = Field(description="Oldest first, today last")
    incomplete: str = Field(default="", description="Only while the store can not be read: what is missing")


def statistics_routes(counts: Counts) -> APIBlueprint:
    """The blueprint with both routes."""
    routes = APIBlueprint("statistics", __name__)

    @routes.get("/api/v1/statistics")
    @documented(
        summary="How often an API was called",
        description="In the current second, minute or hour (UTC), and with `history` in the last windows of that kind, "
        "the current one last. The member's name says which window. Without `api` all are listed under `apis`.",
        tag=_TAG,
        query=StatisticsQuery,
        reply=StatisticsReply,
        reply_example={"api": "health", "number of calls in current minute": 5},
        problems={404: "no API has that name; the reply lists them", 422: "window or history is not among the choices"},
    )
    def statistics() -> Response:
        query = read_query(StatisticsQuery)
        if query.api and query.api not in APIS:
            raise Problem(404, "Not Found", f"No API has that name; the names are {', '.join(APIS)}.")
        window = WINDOWS[query.window]
        windows = _number("history", query.history, _MOST) if query.history else 1
        last = window.number(time())
        first = last - windows + 1
        rows = counts.calls(window, first, last)
        answers = [
            _answer(api, window, first, series(rows, first, last, api), history=bool(query.history))
            for api in ((query.api,) if query.api else APIS)
        ]
        return jsonify((answers[0] if query.api else {"apis": answers}) | _incomplete(counts))

    @routes.get("/api/v1/usage")
    @documented(
        summary="What the caller used",
        bearer=True,
        description="Calls and characters of the last `days` days (30 unless said otherwise), by the name of the "
        "token that is sent.",
        tag=_TAG,
        query=UsageQuery,
        reply=UsageDocument,
        reply_example={"name": "kiosk", "days": [{"day": "2026-01-31", "calls": 12, "characters": 940}]},
        problems={401: "no valid token", 422: "days is not among the choices"},
    )
    def usage() -> Response:
        name = bounded_name(str(require_token().name))
        days = _number("days", read_query(UsageQuery).days, DAYS.kept)
        last = DAYS.number(time())
        first = last - days + 1
        return jsonify(
            {"name": name, "days": days_of_use(counts.metered(name, first, last), first, last)} | _incomplete(counts)
        )

    return routes


def _answer(api: str, window: Window, first: int, calls: list[int], *, history: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"api": api, f"number of calls in current {window.name}": calls[-1]}
    if history:
        past: Iterable[tuple[int, int]] = enumerate(calls, first)
        answer["history"] = [{"start": window.start(number), "calls": each} for number, each in past]
    return answer


def _incomplete(counts: Counts) -> dict[str, str]:
    if counts.fault is None:
        return {}
    return {"incomplete": "The store can not be read now: these are the calls since the service was started."}


def _number(field: str, text: str, most: int) -> int:
    """`text` as a number from 1 to `most`. Not by int(): that takes signs, underscores, and digits of every script."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        errors: list[FieldError] = [{"field": field, "detail": f"Must be a whole number from 1 to {most}."}]
        raise Problem(422, "Unprocessable Content", f"The query does not fit: {field}.", errors=errors)
    return int(text)
