"""The reviewer's desk: what the pages and the API both do with a review."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from review_app.domain.moderation import Decision, Moderation, ModerationModel
from review_app.domain.review import Review, review_text
from review_app.domain.store import Reviews, ReviewUnknown
from review_app.domain.verdict import Critic, ModelUnavailable, Sentiment

PUBLIC_REVIEWS, HELD_REVIEWS = 50, 50  # a page of each
# Whoever knows an id may read and correct its review, so it must be beyond guessing: 128 random bits.
REVIEW_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class ReviewDesk:
    """`clock` gives the time in UTC, `new_id` 32 random hexadecimal digits."""

    critic: Critic
    moderation: ModerationModel
    reviews: Reviews
    release: str
    app_version: str
    max_text_chars: int
    clock: Callable[[], datetime]
    new_id: Callable[[], str]

    def write(self, text: str, visitor_id: str | None) -> Review:
        """Has the text judged, then keeps both; nothing is kept without a verdict.

        Without an answer from the moderation model it is kept, and held back until a moderator has read it.
        Raises ReviewRefused, ModelUnavailable, StoreUnavailable.
        """
        accepted = review_text(text, self.max_text_chars)
        review = Review(
            id=self.new_id(),
            visitor_id=visitor_id,
            text=accepted,
            verdict=self.critic.judge(accepted),
            moderation=self._moderated(accepted),
            release=self.release,
            app_version=self.app_version,
            created_at=self.clock(),
        )
        self.reviews.add(review)
        return review

    def read(self, review_id: str) -> Review:
        """Raises ReviewUnknown, StoreUnavailable."""
        return self.reviews.get(_well_formed(review_id))

    def public(self) -> list[Review]:
        """The newest reviews that everybody may read. Raises StoreUnavailable."""
        return self.reviews.public(PUBLIC_REVIEWS)

    def held(self) -> list[Review]:
        """What waits for a moderator, the longest waiting first. Raises StoreUnavailable."""
        return self.reviews.held(HELD_REVIEWS)

    def correct(self, review_id: str, sentiment: Sentiment | None) -> Review:
        """Keeps the reviewer's word; None takes it back. Raises ReviewUnknown, StoreUnavailable."""
        return self.reviews.correct(_well_formed(review_id), sentiment, self.clock())

    def decide(self, review_id: str, decision: Decision) -> Review:
        """Keeps a moderator's word. Raises ReviewUnknown, StoreUnavailable."""
        return self.reviews.decide(_well_formed(review_id), decision, self.clock())

    def _moderated(self, text: str) -> Moderation | None:
        try:
            return self.moderation.moderate(text)
        except ModelUnavailable:
            return None


def _well_formed(review_id: str) -> str:
    if not REVIEW_ID.fullmatch(review_id):
        raise ReviewUnknown
    return review_id
