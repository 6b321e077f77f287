"""The live figures at /metrics: read from the store once an interval, so that they follow the last word on each."""

import threading
from collections.abc import Mapping
from math import nan
from time import time

import structlog
from prometheus_client import CollectorRegistry, Gauge

from model_service.domain import FeedbackNotStored
from model_service.domain.live_accuracy import (
    HOUR_S,
    LiveAccuracy,
    PredictionCounts,
    PredictionStore,
    live_accuracy,
    window_start,
)

__all__ = ["LiveFigures"]

# Seconds between two looks at the store.
INTERVAL_S = 5.0

Labels = tuple[str, ...]

log = structlog.get_logger()


class LiveFigures:
    """Every worker's process tells the same of all of them: the gauges show whoever looked last."""

    def __init__(
        self, registry: CollectorRegistry, store: PredictionStore, counts: PredictionCounts, *, window_s: float
    ) -> None:
        """`window_s`: how long after a prediction feedback on it is taken."""
        self._store = store
        self._counts = counts
        self._window_s = window_s
        self._stopped = threading.Event()
        self._failing = False
        self._shown: dict[Gauge, set[Labels]] = {}
        self._predictions = _gauge(registry, "palate_live_predictions", "Predictions", "label")
        self._confusion = _gauge(registry, "palate_live_feedback", "Predictions by last word", "predicted", "actual")
        self._accuracy = _gauge(registry, "palate_live_accuracy_ratio", "Confirmed of those confirmed or corrected")
        self._corrected = _gauge(registry, "palate_live_corrected_ratio", "Predictions that were corrected")

    def start(self) -> None:
        """Look once an interval in a thread that ends with the process."""
        threading.Thread(target=self._watch, name="live-figures", daemon=True).start()

    def stop(self) -> None:
        """End the thread; what was predicted meanwhile is kept."""
        self._stopped.set()
        self.look()

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            self.look()

    def look(self) -> None:
        """Store what was predicted since the last look, read all figures, show them. Never raises."""
        now_s = time()
        since_s = window_start(now_s, self._window_s)
        try:
            self._keep(now_s, since_s)
            figures = live_accuracy(self._store.predictions_since(since_s), self._store.last_words_since(since_s))
        except FeedbackNotStored as error:
            if not self._failing:
                log.error("live_figures_not_read", reason=str(error))  # noqa: TRY400 - the reason says it
            self._failing = True
            return
        self._failing = False
        self._show(figures)

    def _keep(self, now_s: float, since_s: int) -> None:
        counts = self._counts.take()
        if not counts:
            return
        try:
            self._store.add_predictions(int(now_s) // HOUR_S, counts, since_s // HOUR_S)
        except FeedbackNotStored:
            self._counts.give_back(counts)
            raise

    def _show(self, figures: dict[str, LiveAccuracy]) -> None:
        each = figures.items()
        self._set(self._predictions, _flat({version: live.predictions for version, live in each}), gone=0)
        self._set(self._confusion, _flat({version: live.confusion for version, live in each}), gone=0)
        for gauge, figure in ((self._accuracy, "accuracy"), (self._corrected, "corrected_share")):
            self._set(gauge, {(version,): getattr(live, figure) for version, live in each}, gone=nan)

    def _set(self, gauge: Gauge, values: Mapping[Labels, float | None], *, gone: float) -> None:
        for labels in self._shown.get(gauge, set()) - values.keys():
            # A series can not leave the file that the workers share.
            gauge.labels(*labels).set(gone)
        for labels, value in values.items():
            gauge.labels(*labels).set(gone if value is None else value)
        self._shown[gauge] = self._shown.get(gauge, set()) | values.keys()


def _gauge(registry: CollectorRegistry, name: str, what: str, *labels: str) -> Gauge:
    text = f"{what}, of the time in which feedback is taken"
    return Gauge(name, text, ("model_version", *labels), registry=registry, multiprocess_mode="mostrecent")


def _flat(by_version: Mapping[str, Mapping[str, int] | Mapping[tuple[str, str], int]]) -> dict[Labels, float]:
    return {
        (version, *((name,) if isinstance(name, str) else name)): count
        for version, counts in by_version.items()
        for name, count in counts.items()
    }
