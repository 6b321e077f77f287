"""The cohort routes of one release, from its state alone.

A visitor has a cohort, 00 to 99, in the cookie `palate_<release>`. At weight w the cohorts below w meet the
canary: raising w moves visitors from stable to canary, once, and never back. A visitor without the cookie is drawn
by weight; the app that answers is told so and picks a cohort on its own side of w, so that the second request
agrees already.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

NEWVERS_HEADER = "x-newvers"
RELEASE_HEADER = "x-palate-release"
SERVED_VERSION_HEADER = "x-served-version"
CANARY_WEIGHT_HEADER = "x-canary-weight"
#: The app believes these three, so none of them may come from outside.
OWN_HEADERS = (RELEASE_HEADER, SERVED_VERSION_HEADER, CANARY_WEIGHT_HEADER)

# The release stands unescaped in a cookie's name, a header and a regex; 40 characters keep all three short.
_RELEASE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_VERSION = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class RoutingState:
    """A release as the gateway sees it. Raises ValueError naming the field that is wrong."""

    release: str
    weight_percent: int  # share of cohorts and of newcomers that meet the canary, 0 to 100
    stable: str = "v1"
    canary: str = "v2"

    def __post_init__(self) -> None:
        if not _RELEASE_ID.fullmatch(self.release):
            raise ValueError(f"release must be 1 to 40 of a-z, 0-9 and '-', not {self.release!r}")
        if type(self.weight_percent) is not int or not 0 <= self.weight_percent <= 100:  # noqa: PLR2004 - percent
            raise ValueError(f"weight_percent must be a whole number from 0 to 100, not {self.weight_percent!r}")
        for name in ("stable", "canary"):
            if not _VERSION.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} must be 1 to 40 of a-z, 0-9 and '-', not {getattr(self, name)!r}")
        if self.stable == self.canary:
            raise ValueError(f"stable and canary must differ, both are {self.stable!r}")


@dataclass(frozen=True)
class HeaderEquals:
    """The header has exactly this value."""

    name: str
    value: str

    def holds(self, headers: Mapping[str, str]) -> bool:
        return headers.get(self.name) == self.value


@dataclass(frozen=True)
class HeaderMatches:
    """The whole header matches the pattern, written in what RE2 and Python's `re` read alike."""

    name: str
    pattern: str

    def holds(self, headers: Mapping[str, str]) -> bool:
        return self.name in headers and re.fullmatch(self.pattern, headers[self.name]) is not None


@dataclass(frozen=True)
class Destination:
    """A version, its share of the rule's requests in percent, and the request headers it is sent."""

    version: str
    weight_percent: int = 100
    set_headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Rule:
    """Requests for which `match` holds (None: all) go to the destinations; their weights sum to 100.

    `strip_headers` leave the visitor's request first, then a destination's `set_headers` are set.
    """

    name: str
    match: HeaderEquals | HeaderMatches | None
    destinations: tuple[Destination, ...]
    strip_headers: tuple[str, ...] = OWN_HEADERS


def routes(state: RoutingState) -> tuple[Rule, ...]:
    """The rules of `state`, in the order in which they are tried; the last takes every request."""
    rules = [Rule("newvers", HeaderEquals(NEWVERS_HEADER, "true"), (Destination(state.canary),))]
    if state.weight_percent > 0:
        match = cohort_cookie(state.release, cohorts_below(state.weight_percent))
        rules.append(Rule("cohort-canary", match, (Destination(state.canary),)))
    if state.weight_percent < 100:  # noqa: PLR2004 - percent
        match = cohort_cookie(state.release, cohorts_below(100))
        rules.append(Rule("cohort-stable", match, (Destination(state.stable),)))
    rules.append(Rule("newcomers", None, _newcomers(state)))
    return tuple(rules)


def matching_rule(rules: tuple[Rule, ...], headers: Mapping[str, str]) -> Rule:
    """The rule that takes a request with these headers (names in lower case), as a gateway would choose."""
    return next(rule for rule in rules if rule.match is None or rule.match.holds(headers))


def cohort_cookie(release: str, cohorts: str) -> HeaderMatches:
    """Matches a Cookie header in which `palate_<release>` is one of `cohorts` (a pattern of two digits).

    The name starts the header or follows a `;`, so `xpalate_r1` is another cookie; the value ends there too.
    """
    return HeaderMatches("cookie", rf"(.*;[ \t]*)?palate_{release}=({cohorts})([ \t]*;.*)?")


def cohorts_below(weight_percent: int) -> str:
    """The pattern of the two-digit numbers below `weight_percent`, 1 to 100.

    7 gives `0[0-6]`, 15 gives `0[0-9]|1[0-4]`. Raises ValueError below 1: nothing matches no cohort.
    """
    if not 1 <= weight_percent <= 100:  # noqa: PLR2004 - percent
        raise ValueError(f"there is no cohort below {weight_percent!r}")
    tens, ones = divmod(weight_percent, 10)
    whole = [f"{_digits_below(tens)}[0-9]"] if tens else []
    rest = [f"{tens}{_digits_below(ones)}"] if ones else []
    return "|".join(whole + rest)


def _digits_below(end: int) -> str:
    return "0" if end == 1 else f"[0-{end - 1}]"


def _newcomers(state: RoutingState) -> tuple[Destination, ...]:
    """Stable and canary by weight; a share of nothing is left out, a gateway may refuse it."""
    shares = ((state.stable, 100 - state.weight_percent), (state.canary, state.weight_percent))
    return tuple(Destination(version, share, _told(state, version)) for version, share in shares if share > 0)


def _told(state: RoutingState, served: str) -> tuple[tuple[str, str], ...]:
    return (
        (RELEASE_HEADER, state.release),
        (SERVED_VERSION_HEADER, served),
        (CANARY_WEIGHT_HEADER, str(state.weight_percent)),
    )
