"""A review: a text within limits, the verdict on it, and the reviewer's correction."""

from dataclasses import dataclass, replace
from datetime import datetime

from review_app.domain.moderation import Decision, Moderation, Standing, standing
from review_app.domain.verdict import Sentiment, Verdict


class ReviewRefused(Exception):
    """The text itself is at fault; the reviewer can mend it. The message carries no review text."""


@dataclass(frozen=True)
class Review:
    """`release` is the side (v1 or v2) whose model gave the verdict; its feedback goes there.

    `visitor_id` is None for a review that came by the API, `moderation` when no moderation model answered,
    `decision` before a moderator has spoken.
    """

    id: str
    visitor_id: str | None
    text: str
    verdict: Verdict
    release: str
    app_version: str
    created_at: datetime
    correction: Sentiment | None = None
    moderation: Moderation | None = None
    decision: Decision | None = None

    @property
    def sentiment(self) -> Sentiment:
        """What the review counts as: the reviewer's word over the model's."""
        return self.correction or self.verdict.sentiment

    @property
    def standing(self) -> Standing:
        return standing(self.moderation, self.decision)

    def corrected(self, sentiment: Sentiment | None) -> "Review":
        """The same review with another correction; None takes it back."""
        return replace(self, correction=sentiment)

    def decided(self, decision: Decision) -> "Review":
        """The same review after a moderator's word."""
        return replace(self, decision=decision)


def review_text(text: str, max_chars: int) -> str:
    """The text as it is judged and kept: line ends as one sign, nothing else changed.

    Raises ReviewRefused when it is blank, longer than `max_chars` code points, or holds a NUL (Postgres has no
    place for it).
    """
    unified = text.replace("\r\n", "\n")
    if "\0" in unified:
        raise ReviewRefused("The text must not contain NUL characters.")
    if not unified.strip():
        raise ReviewRefused("The text must not be empty.")
    if len(unified) > max_chars:
        raise ReviewRefused(f"The text must have at most {max_chars} characters; this one has {len(unified)}.")
    return unified
