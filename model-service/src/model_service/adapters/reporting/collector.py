"""The metrics collector: threads of its own, so that no request ever waits for a reporter."""

import threading
import time
from collections import deque
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter

from model_service.adapters.reporting.reporter import Reporter, ReportNotSent
from model_service.domain.reported_metrics import Report

__all__ = ["MAX_WAITING", "MetricsCollector", "ReportMetrics"]

# Reports. Counters only grow, so a report that is lost costs resolution and no count: there is no use in keeping many.
MAX_WAITING = 3
FLUSH_TIMEOUT_S = 2.0

log = structlog.get_logger()


class ReportMetrics:
    """palate_reports_total and palate_reports_dropped_total."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sent = Counter("palate_reports", "Reports of the metrics collector that were sent", registry=registry)
        self.dropped = Counter("palate_reports_dropped", "Reports that were never sent", registry=registry)


class MetricsCollector:
    """Takes a report every `interval_s` seconds in one thread and sends it in another.

    While one is being sent, up to MAX_WAITING wait; then the oldest goes.
    """

    def __init__(
        self, take: Callable[[], Report], reporter: Reporter, metrics: ReportMetrics, *, interval_s: float
    ) -> None:
        self._take = take
        self._reporter = reporter
        self._metrics = metrics
        self._interval_s = interval_s
        self._waiting: deque[Report] = deque()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._taken_last = False
        self._failing = False
        self._threads = (
            threading.Thread(target=self._collect, name="metrics-collector", daemon=True),
            threading.Thread(target=self._report, name="metrics-reporter", daemon=True),
        )

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Take and send a last report, for `timeout_s` at most."""
        deadline = time.monotonic() + timeout_s
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _collect(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self._put()
        self._put()
        with self._changed:
            self._taken_last = True
            self._changed.notify()

    def _put(self) -> None:
        report = self._take()
        with self._changed:
            if len(self._waiting) == MAX_WAITING:
                self._waiting.popleft()
                self._metrics.dropped.inc()
            self._waiting.append(report)
            self._changed.notify()

    def _report(self) -> None:
        while (report := self._next()) is not None:
            self._send(report)
        self._reporter.close()

    def _next(self) -> Report | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._taken_last)
            return self._waiting.popleft() if self._waiting else None

    def _send(self, report: Report) -> None:
        try:
            self._reporter.send(report)
        except ReportNotSent as error:
            self._lose(reason=str(error))
        except Exception as error:  # noqa: BLE001 - one report that a reporter can't write must not end the reporting
            self._lose(exc_info=error)
        else:
            self._metrics.sent.inc()
            if self._failing:
                log.info("reports_sent_again")
            self._failing = False

    def _lose(self, **why: object) -> None:
        self._metrics.dropped.inc()
        if not self._failing:
            log.warning("report_not_sent", **why)
        self._failing = True
