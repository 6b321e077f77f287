"""What happens, as Prometheus series. Every label is a closed set: the model's labels, its version."""

from bisect import bisect_left
from collections import Counter as Counts
from math import fsum

from lib_web.metrics import LATENCY_EDGES_S
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from model_service.domain import ActiveModel, Feedback, Model, Models, Verdict
from model_service.domain.live_accuracy import PredictionCounts
from model_service.domain.verdict import Tally

__all__ = ["PrometheusObserver"]

# Seconds; a short review takes some 10 microseconds with counts, 100 with n-grams of characters.
_PREDICTION_EDGES_S = (0.00005, 0.0001, 0.00025, 0.0005, *LATENCY_EDGES_S)
_COVERAGE_EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class PrometheusObserver:
    """The palate_* series of predictions, feedback and models."""

    def __init__(self, registry: CollectorRegistry, counts: PredictionCounts) -> None:
        """`counts`: told of every prediction, too, for the figures of the last hours."""
        self._counts = counts
        version, r = ("model_version",), registry
        self._predictions = Counter("palate_predictions", "Verdicts given", ("label", "model_version"), registry=r)
        self._seconds = Histogram(
            "palate_prediction_seconds",
            "Time to score and explain one text",
            version,
            buckets=_PREDICTION_EDGES_S,
            registry=r,
        )
        self._coverage = Histogram(
            "palate_coverage_ratio",
            "Share of a text's words that the model knows",
            version,
            buckets=_COVERAGE_EDGES,
            registry=r,
        )
        self._feedback = Counter(
            "palate_feedback",
            "Feedback stored",
            ("model_version", "predicted", "corrected"),
            registry=r,
        )
        alias = ("alias",)
        self._swaps = Counter("palate_model_swaps", "Models that began to answer", alias, registry=r)
        self._refused = Counter("palate_model_refused", "Models refused", alias, registry=r)
        # Over several workers: 1 only when every one runs what its alias names, and when any refuses it.
        self._wanted_loaded = Gauge(
            "palate_model_wanted_loaded",
            "1 while what the alias names is what answers",
            alias,
            registry=r,
            multiprocess_mode="min",
        )
        self._wanted_refused = Gauge(
            "palate_model_wanted_refused",
            "1 while the wanted model is refused",
            alias,
            registry=r,
            multiprocess_mode="max",
        )
        self._model = Gauge(
            "palate_model_info",
            "1 for the model that answers, 0 for one that did",
            ("alias", "name", "version"),
            registry=r,
            multiprocess_mode="max",
        )
        self._told: dict[str, tuple[str, str]] = {}
        moderating = ("network", "model_version")
        self._moderations = Counter("palate_moderations", "Texts broken down", (*moderating, "flagged"), registry=r)
        self._moderation_seconds = Histogram(
            "palate_moderation_seconds",
            "Time to break one text down",
            moderating,
            buckets=_PREDICTION_EDGES_S,
            registry=r,
        )
        self._moderated: dict[tuple[str, str], tuple[tuple[Counter, ...], Histogram]] = {}
        # labels() costs more than an increment; few labels, so the children are kept.
        self._children: dict[tuple[str, str], tuple[Counter, Histogram, Histogram]] = {}

    def predicted(self, verdict: Verdict, seconds: float) -> None:
        children = self._children_of(verdict["label"], verdict["model"]["version"])
        children[0].inc()
        self._counts.add(verdict["model"]["version"], verdict["label"])
        children[1].observe(seconds)
        children[2].observe(verdict["coverage"])

    def predicted_many(self, verdicts: Tally) -> None:
        for label, count in verdicts.labels.items():
            self._children_of(label, verdicts.model_version)[0].inc(count)
            self._counts.add(verdicts.model_version, label, count)
        _observe_many(self._seconds.labels(verdicts.model_version), verdicts.seconds)
        _observe_many(self._coverage.labels(verdicts.model_version), verdicts.coverages)

    def _children_of(self, label: str, version: str) -> tuple[Counter, Histogram, Histogram]:
        children = self._children.get((label, version))
        if children is None:
            seconds_of, coverage_of = self._seconds.labels(version), self._coverage.labels(version)
            children = (self._predictions.labels(label, version), seconds_of, coverage_of)
            self._children[label, version] = children
        return children

    def moderated(self, network: str, model: Model, flagged: bool, seconds: float) -> None:  # noqa: FBT001
        key = (network, model.version)
        children = self._moderated.get(key)
        if children is None:
            counters = tuple(self._moderations.labels(*key, each) for each in ("false", "true"))
            children = self._moderated[key] = (counters, self._moderation_seconds.labels(*key))
        children[0][flagged].inc()
        children[1].observe(seconds)

    def corrected(self, feedback: Feedback) -> None:
        corrected = feedback.label or "withdrawn"
        self._feedback.labels(feedback.model_version, feedback.predicted_label, corrected).inc()

    def model_swapped(self, active: ActiveModel) -> None:
        self._swaps.labels(active.alias).inc()

    def model_refused(self, active: ActiveModel) -> None:
        self._refused.labels(active.alias).inc()

    def models_looked_at(self, models: Models) -> None:
        for active in models.all:
            self._wanted_loaded.labels(active.alias).set(active.runs_the_wanted)
            self._wanted_refused.labels(active.alias).set(active.refusal is not None)
            if active.model is not None:
                self._tell(active.alias, (active.model.name, active.model.version))

    def _tell(self, alias: str, told: tuple[str, str]) -> None:
        before = self._told.get(alias)
        if before is not None and before != told:
            self._model.labels(alias, *before).set(0)
        self._model.labels(alias, *told).set(1)
        self._told[alias] = told


def _observe_many(histogram: Histogram, amounts: list[float]) -> None:
    """As observe() for each. prometheus_client has no such way in, and a batch would take its locks thousandfold."""
    edges = histogram._upper_bounds  # noqa: SLF001 - see above
    for place, count in Counts(bisect_left(edges, amount) for amount in amounts).items():
        histogram._buckets[place].inc(count)  # noqa: SLF001
    histogram._sum.inc(fsum(amounts))  # noqa: SLF001
