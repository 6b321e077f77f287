"""What the moderation model says of a text, and what a moderator decides."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from review_app.domain.verdict import ModelIdentity


class Decision(StrEnum):
    """A moderator's word on a review; it stands above the model's."""

    PUBLISH = "publish"
    WITHHOLD = "withhold"


class Standing(StrEnum):
    """Where a review stands with the public lists."""

    PUBLIC = "public"
    HELD = "held"  # until a moderator has decided
    WITHHELD = "withheld"


@dataclass(frozen=True)
class ModerationLabel:
    """One label's probability, 0..1, and the threshold from which on it is flagged."""

    label: str
    probability: float
    threshold: float
    flagged: bool


@dataclass(frozen=True)
class Moderation:
    """The model's break-down of one text."""

    labels: tuple[ModerationLabel, ...]
    model: ModelIdentity

    @property
    def flagged(self) -> tuple[ModerationLabel, ...]:
        """The flagged labels, the likeliest first."""
        return tuple(sorted((each for each in self.labels if each.flagged), key=lambda each: -each.probability))


def standing(moderation: Moderation | None, decision: Decision | None) -> Standing:
    """A text that nobody could moderate (`moderation` is None) is held like a flagged one."""
    if decision is not None:
        return Standing.PUBLIC if decision is Decision.PUBLISH else Standing.WITHHELD
    return Standing.HELD if moderation is None or moderation.flagged else Standing.PUBLIC


class ModerationModel(Protocol):
    """Whoever finds in a text what does not belong on a public page."""

    def moderate(self, text: str) -> Moderation:
        """Raises ModelUnavailable."""
        ...
