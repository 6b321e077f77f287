"""The reviewer's desk: what the pages and the API both do with a review."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from review_app.domain.review import Review, review_text
from review_app.domain.store import Reviews, ReviewUnknown
from review_app.domain.verdict import Critic, Sentiment

# Whoever knows an id may read and correct its review, so it must be beyond guessing: 128 random bits.
REVIEW_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class ReviewDesk:
    """`clock` gives the time in UTC, `new_id` 32 random hexadecimal digits."""

    critic: Critic
    reviews: Reviews
    release: str
    app_version: str
    max_text_chars: int
    clock: Callable[[], datetime]
    new_id: Callable[[], str]

    def write(self, text: str, visitor_id: str | None) -> Review:
        """Has the text judged, then keeps both; nothing is kept without a verdict.

        Raises ReviewRefused, ModelUnavailable, StoreUnavailable.
        """
        accepted = review_text(text, self.max_text_chars)
        verdict = self.critic.judge(accepted)
        review = Review(
            self.new_id(), visitor_id, accepted, verdict, self.release, self.app_version, created_at=self.clock()
        )
        self.reviews.add(review)
        return review

    def read(self, review_id: str) -> Review:
        """Raises ReviewUnknown, StoreUnavailable."""
        return self.reviews.get(_well_formed(review_id))

    def correct(self, review_id: str, sentiment: Sentiment | None) -> Review:
        """Keeps the reviewer's word; None takes it back. Raises ReviewUnknown, StoreUnavailable."""
        return self.reviews.correct(_well_formed(review_id), sentiment, self.clock())


def _well_formed(review_id: str) -> str:
    if not REVIEW_ID.fullmatch(review_id):
        raise ReviewUnknown
    return review_id
