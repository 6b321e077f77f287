"""What the app asks of its store. Whatever returns normally is on disk."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from review_app.domain.experiment import Assigned, ExperimentCount
from review_app.domain.feedback import Feedback
from review_app.domain.moderation import Decision
from review_app.domain.review import Review
from review_app.domain.verdict import Sentiment


class StoreUnavailable(Exception):
    """The store cannot be written or read now (locked, full, gone). Carries no review text."""


class ReviewUnknown(Exception):
    """No review has this id."""


class Reviews(Protocol):
    """Every method raises StoreUnavailable."""

    def add(self, review: Review) -> None: ...

    def get(self, review_id: str) -> Review:
        """Raises ReviewUnknown."""
        ...

    def correct(self, review_id: str, sentiment: Sentiment | None, at: datetime) -> Review:
        """Keeps the correction (None: withdraws it) and its feedback in one transaction. Raises ReviewUnknown."""
        ...

    def recent(self, visitor_id: str, limit: int) -> list[Review]:
        """The visitor's newest reviews, newest first."""
        ...

    def public(self, limit: int) -> list[Review]:
        """The newest reviews that everybody may read, newest first."""
        ...

    def held(self, limit: int) -> list[Review]:
        """The reviews that wait for a moderator, the longest waiting first."""
        ...

    def decide(self, review_id: str, decision: Decision, at: datetime) -> Review:
        """Keeps a moderator's word, the last one counts. Raises ReviewUnknown."""
        ...


class Outbox(Protocol):
    """Every method raises StoreUnavailable."""

    def claim(self, release: str, at: datetime, *, hold: timedelta, limit: int) -> Sequence[Feedback]:
        """Due feedback of this release that nobody holds; it is ours for `hold`."""
        ...

    def settled(self, feedback: Feedback) -> None:
        """Forgets it: nothing is left to deliver; unless the reviewer changed their mind meanwhile."""
        ...

    def postpone(self, feedback: Feedback, until: datetime) -> None: ...

    def pending(self, release: str) -> int: ...


class Experiment(Protocol):
    """Every method raises StoreUnavailable."""

    def saw(self, release: str, visitor_id: str, assigned: Assigned, at: datetime) -> bool:
        """Counts a view. True when it is this visitor's first on this release."""
        ...

    def clicked(self, release: str, visitor_id: str, assigned: Assigned, slug: str, at: datetime) -> bool:
        """Counts a click. True when it is this visitor's first on this release, whatever the card."""
        ...

    def counts(self) -> list[ExperimentCount]:
        """One entry per release seen so far, by name; visitors who chose their release by header left out."""
        ...
