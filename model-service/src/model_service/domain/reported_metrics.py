"""What the metrics collector reports: a table of names, each read from one Prometheus series of the service."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["REPORTED", "Reading", "Report", "ReportedMetric", "Sample", "readings"]

Sample = tuple[str, Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class ReportedMetric:
    """One figure. `labels` are kept of the `series`; over its other labels it is summed. A counter only grows."""

    name: str
    kind: Literal["counter", "gauge"]
    series: str
    labels: tuple[str, ...]
    unit: str
    help: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure at the report's time, for one choice of its labels' values."""

    metric: ReportedMetric
    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of the service, over all its processes. `time_ns` is since 1970, as `start_ns`, when it began."""

    service: str
    start_ns: int
    time_ns: int
    readings: tuple[Reading, ...]


def _counter(name: str, series: str, labels: str, unit: str, text: str) -> ReportedMetric:
    return ReportedMetric(f"model_service_{name}", "counter", series, tuple(labels.split()), unit, text)


def _gauge(name: str, series: str, labels: str, unit: str, text: str) -> ReportedMetric:
    return ReportedMetric(f"model_service_{name}", "gauge", series, tuple(labels.split()), unit, text)


# The names differ from /metrics, so that nobody who stores both counts a request twice.
REPORTED = (
    _counter("requests_total", "palate_http_requests_total", "route status", "1", "Requests answered"),
    _counter("request_seconds_total", "palate_http_request_seconds_sum", "route", "s", "Time in our code"),
    _counter("predictions_total", "palate_predictions_total", "label model_version", "1", "Verdicts given"),
    _counter("prediction_seconds_total", "palate_prediction_seconds_sum", "model_version", "s", "Time spent scoring"),
    _counter("coverage_total", "palate_coverage_ratio_sum", "model_version", "1", "Shares of known words, summed"),
    _counter("moderations_total", "palate_moderations_total", "network model_version flagged", "1", "Broken down"),
    _counter("throttled_total", "palate_throttled_total", "by", "1", "Calls refused with 429"),
    _counter("cache_lookups_total", "palate_cache_lookups_total", "model result", "1", "Texts looked up in the cache"),
    _gauge("cache_entries", "palate_cache_entries", "model", "1", "Verdicts kept"),
    _counter("shadow_agreement_total", "palate_shadow_agreement_total", "agree", "1", "Texts the shadow scored too"),
    _counter("feedback_total", "palate_feedback_total", "model_version predicted corrected", "1", "Feedback stored"),
    _counter("model_swaps_total", "palate_model_swaps_total", "alias", "1", "Models that began to answer"),
    _counter("model_refused_total", "palate_model_refused_total", "alias", "1", "Models refused"),
    _gauge("model_wanted_loaded", "palate_model_wanted_loaded", "alias", "1", "1 while the wanted model answers"),
    _gauge("model_wanted_refused", "palate_model_wanted_refused", "alias", "1", "1 while the wanted model is refused"),
    _counter("reports_dropped_total", "palate_reports_dropped_total", "", "1", "Reports never sent"),
    _counter("cpu_seconds_total", "process_cpu_seconds_total", "", "s", "CPU time of all processes"),
    _gauge("memory_bytes", "process_resident_memory_bytes", "", "By", "Memory of all processes"),
    _gauge("open_files", "process_open_fds", "", "1", "Open files of all processes"),
)


def readings(samples: Iterable[Sample], table: Iterable[ReportedMetric] = REPORTED) -> tuple[Reading, ...]:
    """The figures in the table's order; none for a series without samples."""
    wanted = {metric.series: metric for metric in table}
    sums: defaultdict[tuple[ReportedMetric, tuple[tuple[str, str], ...]], float] = defaultdict(float)
    for series, labels, value in samples:
        if metric := wanted.get(series):
            sums[metric, tuple((name, labels.get(name, "")) for name in metric.labels)] += value
    order = {metric: place for place, metric in enumerate(wanted.values())}
    found = sorted(sums.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    return tuple(Reading(metric, labels, value) for (metric, labels), value in found)
