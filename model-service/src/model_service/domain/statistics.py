"""How often each API was called: in which windows calls are counted, and what is answered about them.

A call is any answered request of an API's routes, refused and failed ones included; it counts when it is answered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

__all__ = ["APIS", "DAYS", "WINDOWS", "CountStore", "CountsNotStored", "Row", "Window", "series"]

# The names under which calls are counted. Their order is that of the cells in memory; the store has the names.
APIS = (
    "health",
    "predict",
    "classify",
    "toxicity",
    "feedback",
    "infer",
    "inference-metadata",
    "models",
    "statistics",
    "usage",
    "problems",
)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in which calls are counted together, aligned to UTC."""

    name: str
    seconds: int
    kept: int  # how many of the last ones can be asked for

    def number(self, now_s: float) -> int:
        """Of the window that holds `now_s`, seconds since 1970."""
        return int(now_s) // self.seconds

    def start(self, number: int) -> str:
        """Its first second as ISO 8601."""
        return datetime.fromtimestamp(number * self.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


WINDOWS = {
    "second": Window("second", 1, kept=1_440),
    "minute": Window("minute", 60, kept=1_440),
    "hour": Window("hour", 3_600, kept=1_440),
}
# For metering alone.
DAYS = Window("day", 86_400, kept=400)


class Row(NamedTuple):
    """What one writer has counted in one window; the last word of that writer on it, so it may be stored twice."""

    window: str
    number: int
    writer: str  # which worker of which run
    subject: str  # whose calls: "" for everybody's
    counts: Mapping[str, int]

    @property
    def key(self) -> tuple[str, int, str, str]:
        return self[:4]


class CountsNotStored(Exception):
    """The store can not be read or written now."""


class CountStore(Protocol):
    """Keeps rows through restarts. Every method raises CountsNotStored, within a second."""

    def put(self, rows: Iterable[Row]) -> None:
        """Keep each row in place of the one with its key."""

    def rows(self, window: Window, first: int, last: int, subject: str = "") -> list[Row]:
        """Of the windows numbered `first` to `last`."""

    def forget(self, window: Window, before: int) -> None:
        """Drop the rows of windows numbered under `before`."""

    def close(self) -> None: ...


def series(rows: Iterable[Row], first: int, last: int, name: str) -> list[int]:
    """The sum over all writers of the count called `name`, for each of the windows `first` to `last`."""
    sums = [0] * (last - first + 1)
    for row in rows:
        sums[row.number - first] += row.counts.get(name, 0)
    return sums
