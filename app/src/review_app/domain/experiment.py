"""The People page's experiment: who saw the cards, who clicked one, on which release."""

from dataclasses import dataclass
from enum import StrEnum


class Assigned(StrEnum):
    """How a visitor came to a release. Who asked for v2 by header chose it, so the judge must not count them."""

    COHORT = "cohort"
    HEADER = "header"


@dataclass(frozen=True)
class TeamMember:
    slug: str
    name: str
    role: str
    about: str
    email: str


@dataclass(frozen=True)
class ExperimentCount:
    """Totals of one release: of the page and the cards, and of the visitors behind them."""

    release: str
    views: int
    viewers: int
    clicks: int
    clickers: int

    @property
    def click_through(self) -> float | None:
        """The share of viewers who clicked at least once, 0..1; None before anybody looked."""
        return self.clickers / self.viewers if self.viewers else None
