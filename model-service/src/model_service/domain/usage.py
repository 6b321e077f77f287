"""What a caller has used: calls and characters, per name and day (UTC)."""

from collections.abc import Iterable
from hashlib import sha256
from typing import TypedDict

from model_service.domain.statistics import DAYS, Row, series

__all__ = ["NAME_BYTES", "OTHERS", "DayOfUse", "bounded_name", "days_of_use"]

NAME_BYTES = 64
_DIGEST_CHARS = 16
# Who is metered once there is no room for more names. No token can have it: they have no brackets.
OTHERS = "(other)"


class DayOfUse(TypedDict):
    """One caller's use on one day."""

    day: str
    calls: int
    characters: int


def bounded_name(name: str) -> str:
    """`name`, or for one over 64 bytes its beginning and a digest: still one caller, one name."""
    encoded = name.encode()
    if len(encoded) <= NAME_BYTES:
        return name
    digest = sha256(encoded).hexdigest()[:_DIGEST_CHARS]
    return f"{encoded[: NAME_BYTES - _DIGEST_CHARS - 1].decode(errors='ignore')}~{digest}"


def days_of_use(rows: Iterable[Row], first: int, last: int) -> list[DayOfUse]:
    """Each of the days numbered `first` to `last`, those without calls too."""
    rows = list(rows)
    calls, characters = (series(rows, first, last, name) for name in ("calls", "characters"))
    days = (DAYS.start(number).partition("T")[0] for number in range(first, last + 1))
    return [
        {"day": day, "calls": each_calls, "characters": each_characters}
        for day, each_calls, each_characters in zip(days, calls, characters, strict=True)
    ]
