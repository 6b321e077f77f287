"""The worker's threads: they bring feedback to the model-service and look at which model answers."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import structlog
from prometheus_client import CollectorRegistry, Counter

from review_app.domain.feedback import REFUSED_RETRY, Feedback, FeedbackRefused, FeedbackSink, retry_after
from review_app.domain.model_release import LastSeenModel, ModelReleases
from review_app.domain.store import Outbox, StoreUnavailable
from review_app.domain.verdict import ModelUnavailable

BATCH = 10
LOOK_EVERY_S = 0.5
MODEL_UNSEEN_EVERY_S, MODEL_SEEN_EVERY_S = 0.5, 5.0

log = structlog.get_logger()


class Courier:
    """Delivers this release's feedback, oldest due first, each until the model-service has stored it.

    `hold` is how long a claimed batch stays ours; it must outlast the batch's deadlines.
    """

    def __init__(
        self, outbox: Outbox, sink: FeedbackSink, *, release: str, hold: timedelta, registry: CollectorRegistry
    ) -> None:
        self._outbox, self._sink, self._release, self._hold = outbox, sink, release, hold
        self._outcomes = Counter(
            "palate_feedback_deliveries", "Feedback brought to the model-service", ("outcome",), registry=registry
        )

    def deliver_due(self) -> int:
        """One batch. Returns how many were claimed. Raises StoreUnavailable."""
        claimed = self._outbox.claim(self._release, datetime.now(UTC), hold=self._hold, limit=BATCH)
        for position, feedback in enumerate(claimed):
            if not self._deliver(feedback):
                self._give_back(claimed[position + 1 :])
                break
        return len(claimed)

    def _deliver(self, feedback: Feedback) -> bool:
        """False when the model-service does not answer: the rest of the batch would fare no better."""
        try:
            self._sink.deliver(feedback.prediction_id, feedback.label)
        except ModelUnavailable:
            self._postpone(feedback, retry_after(feedback.attempts), "unavailable")
            return False
        except FeedbackRefused as error:
            if error.too_late:
                log.info("feedback_too_late", attempts=feedback.attempts + 1)
                self._settle(feedback, "too_late")
                return True
            log.warning("feedback_refused", status=error.status, attempts=feedback.attempts + 1)
            self._postpone(feedback, REFUSED_RETRY, "refused")
            return True
        self._settle(feedback, "delivered")
        return True

    def _settle(self, feedback: Feedback, outcome: str) -> None:
        self._outbox.settled(feedback)
        self._outcomes.labels(outcome).inc()

    def _give_back(self, rest: Sequence[Feedback]) -> None:
        for feedback in rest:
            self._postpone(feedback, retry_after(feedback.attempts), "unavailable")

    def _postpone(self, feedback: Feedback, pause: timedelta, outcome: str) -> None:
        self._outbox.postpone(feedback, datetime.now(UTC) + pause)
        self._outcomes.labels(outcome).inc()


def run_courier(courier: Courier, stopping: Event) -> Thread:
    def step() -> float:
        try:
            return 0.0 if courier.deliver_due() else LOOK_EVERY_S
        except StoreUnavailable as error:
            log.warning("outbox_unavailable", reason=str(error))
            return LOOK_EVERY_S * 4

    return _run("feedback-courier", step, stopping)


def run_model_watch(releases: ModelReleases, seen: LastSeenModel, stopping: Event) -> Thread:
    def step() -> float:
        try:
            releases.current()
        except ModelUnavailable:
            return MODEL_UNSEEN_EVERY_S if seen.version == "unknown" else MODEL_SEEN_EVERY_S
        return MODEL_SEEN_EVERY_S

    return _run("model-watch", step, stopping)


def _run(name: str, step: Callable[[], float], stopping: Event) -> Thread:
    """Calls `step` until `stopping`; it returns the seconds to wait before the next call."""

    def loop() -> None:
        while not stopping.is_set():
            try:
                pause_s = step()
            except Exception:
                log.exception("background_step_failed", thread=name)
                pause_s = MODEL_SEEN_EVERY_S
            stopping.wait(pause_s)

    thread = Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
