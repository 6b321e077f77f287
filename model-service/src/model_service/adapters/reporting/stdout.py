"""Reports as JSON lines on standard output."""

import os
import sys

from pydantic_core import to_json

from model_service.adapters.reporting.reporter import Destination, ReportNotSent
from model_service.domain.reported_metrics import Report

__all__ = ["StdoutReporter"]


class StdoutReporter:
    """A line for each figure: short enough for a pipe to take it whole, however many processes write there."""

    def __init__(self, _destination: Destination) -> None:
        self._output = sys.stdout.fileno()

    def send(self, report: Report) -> None:
        try:
            for reading in report.readings:
                os.write(self._output, _line(report, reading.metric.name, dict(reading.labels), reading.value))
        except OSError as error:
            raise ReportNotSent(error.strerror) from None

    def close(self) -> None:
        """Standard output stays open: the log goes there too."""


def _line(report: Report, name: str, labels: dict[str, str], value: float) -> bytes:
    figure = {"metric": name, "labels": labels, "value": value, "service": report.service, "time_ns": report.time_ns}
    return to_json(figure, inf_nan_mode="null", ensure_ascii=True) + b"\n"
