"""A correction on its way to the model-service that gave the verdict."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from review_app.domain.verdict import Sentiment

GONE = 410
FIRST_RETRY = timedelta(seconds=0.5)
SLOWEST_RETRY = timedelta(minutes=1)
# An answer that more tries will not change: look again rarely, but never throw a reviewer's word away.
REFUSED_RETRY = timedelta(hours=1)


@dataclass(frozen=True)
class Feedback:
    """The latest word on one review. `label` None withdraws; `revision` counts the changes of mind."""

    review_id: str
    prediction_id: str
    label: Sentiment | None
    revision: int
    attempts: int


class FeedbackRefused(Exception):
    """The model-service understood and said no (4xx); `status` is its HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status

    @property
    def too_late(self) -> bool:
        """The verdict is older than feedback is taken for. The correction stays in our store, where training reads."""
        return self.status == GONE


class FeedbackSink(Protocol):
    def deliver(self, prediction_id: str, label: Sentiment | None) -> None:
        """Returns once the far side has stored it. Raises ModelUnavailable or FeedbackRefused."""
        ...


def retry_after(attempts: int) -> timedelta:
    """How long to wait after that many failed tries: doubling from half a second to a minute."""
    return min(FIRST_RETRY * (1 << min(attempts, 10)), SLOWEST_RETRY)
