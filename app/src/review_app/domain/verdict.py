"""What a model says of a review, and who can say it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

# The scorer's two terms that are no words: what the limit cut off, and where the model starts from.
NOT_WORDS = frozenset({"(other)", "(intercept)"})


class Sentiment(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"

    @property
    def opposite(self) -> "Sentiment":
        return Sentiment.NEGATIVE if self is Sentiment.POSITIVE else Sentiment.POSITIVE


@dataclass(frozen=True)
class Term:
    """One part of an explanation. `weight` is in log-odds; above 0 it speaks for positive."""

    term: str
    weight: float


@dataclass(frozen=True)
class ModelIdentity:
    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Verdict:
    """`probability` is that of `sentiment`, 0..1; `coverage` the known share of the text's words, 0..1."""

    prediction_id: str
    sentiment: Sentiment
    probability: float
    explanation: tuple[Term, ...]
    coverage: float
    model: ModelIdentity
    service_version: str


class ModelUnavailable(Exception):
    """No usable verdict in time. `reason` is one of a closed set of words, fit for a metric; it carries no text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Critic(Protocol):
    """Whoever reads a review and says what it is."""

    def judge(self, text: str) -> Verdict:
        """Raises ModelUnavailable."""
        ...
