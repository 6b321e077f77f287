"""Where the metrics collector's reports go. A new place is a class with `send` and `close`, and a line below."""

from collections.abc import Callable

from model_service.adapters.reporting.collector import MetricsCollector, ReportMetrics
from model_service.adapters.reporting.influxdb import InfluxReporter
from model_service.adapters.reporting.opentelemetry import OpenTelemetryReporter
from model_service.adapters.reporting.reporter import Destination, Reporter, ReportNotSent, WrongDestination
from model_service.adapters.reporting.stdout import StdoutReporter
from model_service.adapters.reporting.textfile import TextfileReporter

__all__ = [
    "REPORTERS",
    "Destination",
    "MetricsCollector",
    "ReportMetrics",
    "ReportNotSent",
    "Reporter",
    "WrongDestination",
]

REPORTERS: dict[str, Callable[[Destination], Reporter]] = {
    "stdout": StdoutReporter,
    "textfile": TextfileReporter,
    "influxdb": InfluxReporter,
    "opentelemetry": OpenTelemetryReporter,
}
