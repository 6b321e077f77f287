"""Where the metrics collector is joined: what it reads, whom it tells, and in which worker it runs."""

import time
from functools import partial

from flask import Flask
from lib_web.metrics import measured, metrics_registry
from lib_web.workers import Worker

from model_service.adapters.reporting import (
    REPORTERS,
    Destination,
    MetricsCollector,
    ReportMetrics,
    WrongDestination,
)
from model_service.domain.reported_metrics import Report, readings
from model_service.settings import ReportingSettings, WrongSettings

__all__ = ["report_metrics", "start_reporting", "stop_reporting"]

_COLLECTOR = "model_service.metrics_collector"
# Seconds. Beyond the collector's interval it would only make reports wait.
_SEND_TIMEOUT_S = 5.0


def report_metrics(app: Flask, chosen: ReportingSettings) -> None:
    """Have the metrics of `app` reported, if a reporter is chosen. Raises WrongSettings."""
    if chosen.reporter != "none":
        app.extensions[_COLLECTOR] = _collector(app, chosen)


def start_reporting(app: Flask, worker: Worker) -> None:
    """The report is on all workers, so the first of them sends it."""
    if worker.number == 0 and _COLLECTOR in app.extensions:
        app.extensions[_COLLECTOR].start()


def stop_reporting(app: Flask, worker: Worker) -> None:
    """After the worker's last request."""
    if worker.number == 0 and _COLLECTOR in app.extensions:
        app.extensions[_COLLECTOR].stop()


def _collector(app: Flask, chosen: ReportingSettings) -> MetricsCollector:
    token = None
    if chosen.token_file is not None:
        try:
            token = chosen.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise WrongSettings(f"MODEL_SERVICE_REPORTING__TOKEN_FILE: {chosen.token_file} can not be read") from None
    destination = Destination(chosen.target, token, min(chosen.interval_s, _SEND_TIMEOUT_S))
    make = REPORTERS.get(chosen.reporter)
    if make is None:
        known = ", ".join(["none", *REPORTERS])
        raise WrongSettings(f"MODEL_SERVICE_REPORTING__REPORTER: there is no such reporter; there are: {known}")
    try:
        reporter = make(destination)
    except WrongDestination as error:
        raise WrongSettings(f"MODEL_SERVICE_REPORTING: {error}") from None
    take = partial(_report, app, time.time_ns())
    return MetricsCollector(take, reporter, ReportMetrics(metrics_registry(app)), interval_s=chosen.interval_s)


def _report(app: Flask, start_ns: int) -> Report:
    samples = ((each.name, each.labels, each.value) for metric in measured(app) for each in metric.samples)
    return Report("model-service", start_ns, time.time_ns(), readings(samples))
