"""Reports as a file in Prometheus's text format, for node_exporter's textfile collector."""

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from model_service.adapters.reporting.reporter import Destination, ReportNotSent, WrongDestination
from model_service.domain.reported_metrics import Report

__all__ = ["TextfileReporter"]

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class TextfileReporter:
    """The file has always one whole report: a new one is written beside it and takes its name."""

    def __init__(self, destination: Destination) -> None:
        self._path = Path(destination.target or "")
        if self._path.suffix != ".prom":
            raise WrongDestination("target: must be a file whose name ends in .prom, as node_exporter wants it")
        if not os.access(self._path.parent, os.W_OK | os.X_OK):
            raise WrongDestination(f"target: the folder {self._path.parent} is not there or can not be written")

    def send(self, report: Report) -> None:
        beside = self._path.with_suffix(".new")
        try:
            beside.write_text("".join(_lines(report)), encoding="utf-8")
            beside.replace(self._path)
        except OSError as error:
            raise ReportNotSent(error.strerror) from None

    def close(self) -> None:
        """The last report stays; its figures count on after a restart."""


def _lines(report: Report) -> Iterator[str]:
    for metric, readings in groupby(report.readings, key=lambda reading: reading.metric):
        yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
        for reading in readings:
            labels = (("service", report.service), *reading.labels)
            inside = ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels)
            yield f"{metric.name}{{{inside}}} {reading.value!r}\n"
