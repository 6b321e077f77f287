"""What happens, as Prometheus series. Every label is a closed set: the model's labels, its version."""

from lib_web.metrics import LATENCY_EDGES_S
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from model_service.domain import ActiveModel, Feedback, Model, Refusal, Verdict

__all__ = ["PrometheusObserver"]

# Seconds; a short review takes some 10 microseconds with counts, 100 with n-grams of characters.
_PREDICTION_EDGES_S = (0.00005, 0.0001, 0.00025, 0.0005, *LATENCY_EDGES_S)
_COVERAGE_EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class PrometheusObserver:
    """The palate_* series of predictions, feedback and models."""

    def __init__(self, registry: CollectorRegistry, active: ActiveModel) -> None:
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
        self._refused = Counter("palate_model_refused", "Models refused", registry=r)
        wanted_refused = Gauge("palate_model_wanted_refused", "1 while the wanted model is refused", registry=r)
        wanted_refused.set_function(lambda: float(active.refusal is not None))
        self._model = Gauge("palate_model_info", "The model that answers", ("name", "version", "sha256"), registry=r)
        # labels() costs more than an increment; few labels, so the children are kept.
        self._children: dict[tuple[str, str], tuple[Counter, Histogram, Histogram]] = {}

    def predicted(self, verdict: Verdict, seconds: float) -> None:
        key = (verdict["label"], verdict["model"]["version"])
        children = self._children.get(key)
        if children is None:
            version = key[1]
            seconds_of, coverage_of = self._seconds.labels(version), self._coverage.labels(version)
            children = self._children[key] = (self._predictions.labels(*key), seconds_of, coverage_of)
        children[0].inc()
        children[1].observe(seconds)
        children[2].observe(verdict["coverage"])

    def corrected(self, feedback: Feedback) -> None:
        corrected = feedback.label or "withdrawn"
        self._feedback.labels(feedback.model_version, feedback.predicted_label, corrected).inc()

    def model_swapped(self, model: Model) -> None:
        self._model.clear()
        self._model.labels(**model.card).set(1)

    def model_refused(self, refusal: Refusal) -> None:  # noqa: ARG002 - the reason is no closed set
        self._refused.inc()
