"""Reports over OpenTelemetry's protocol (OTLP over HTTP); needs the extra `opentelemetry`."""

import logging
from itertools import groupby
from typing import TYPE_CHECKING

from model_service.adapters.reporting.reporter import Destination, ReportNotSent, WrongDestination, http_url
from model_service.domain.reported_metrics import Reading, Report, ReportedMetric

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData
    from requests import Response

__all__ = ["OpenTelemetryReporter"]


class OpenTelemetryReporter:
    """POSTs to the whole URL, such as http://collector:4318/v1/metrics; the token goes as a bearer token."""

    def __init__(self, destination: Destination) -> None:
        endpoint = http_url(destination.target)
        try:
            import requests  # noqa: PLC0415 - comes with the extra
            from opentelemetry.exporter.otlp.proto.http import metric_exporter  # noqa: PLC0415 - an extra, .2 s
        except ImportError:
            raise WrongDestination(
                "reporter: opentelemetry is not installed; pip install 'model-service[opentelemetry]'"
            ) from None
        headers = {"Authorization": f"Bearer {destination.token}"} if destination.token else None
        session = requests.Session()
        session.hooks["response"].append(_refuse_redirection)
        self._exporter = metric_exporter.OTLPMetricExporter(
            endpoint, headers=headers, timeout=destination.timeout_s, session=session
        )
        # It logs each failure; the collector does so once.
        logging.getLogger(metric_exporter.__name__).setLevel(logging.CRITICAL)

    def send(self, report: Report) -> None:
        result = self._exporter.export(_metrics_data(report))
        if result.name != "SUCCESS":
            raise ReportNotSent("the collector did not take it")

    def close(self) -> None:
        self._exporter.shutdown()


def _refuse_redirection(response: "Response", **_options: object) -> None:
    """The exporter follows none, rightly, and takes it for success, wrongly."""
    if 300 <= response.status_code < 400:  # noqa: PLR2004 - the class of redirections
        response.close()
        raise ReportNotSent(f"the answer was {response.status_code}")


def _metrics_data(report: Report) -> "MetricsData":
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics  # noqa: PLC0415 - as above
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415 - as above

    grouped = groupby(report.readings, key=lambda reading: reading.metric)
    metrics = [_metric(report, metric, list(readings)) for metric, readings in grouped]
    scope = ScopeMetrics(InstrumentationScope("model_service"), metrics, "")
    resource = Resource({"service.name": report.service})
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(report: Report, metric: ReportedMetric, readings: list[Reading]) -> "Metric":
    from opentelemetry.sdk.metrics import export  # noqa: PLC0415 - as above

    points = [
        export.NumberDataPoint(dict(each.labels), report.start_ns, report.time_ns, each.value) for each in readings
    ]
    data: export.Sum | export.Gauge = export.Gauge(points)
    if metric.kind == "counter":
        data = export.Sum(points, export.AggregationTemporality.CUMULATIVE, is_monotonic=True)
    return export.Metric(metric.name, metric.help, metric.unit, data)
