"""The request metrics of every service, and the registry that its own metrics join.

Under a server each metric writes into files in the workers' common folder, one per kind and worker number, and whoever
is asked for /metrics adds them up: a worker that takes a dead one's place goes on with its file, so no counter goes
backwards, and there are never more files than workers. Without a server the values stay in the process.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Request
from lib_version import BuildInfo
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from lib_web.process_metrics import ProgramCollector
from lib_web.workers import Worker

__all__ = [
    "LATENCY_EDGES_S",
    "HttpMetrics",
    "exposition",
    "measure_as",
    "measured",
    "metrics_registry",
    "share_metrics",
]

# The time at which each series began: a second series for every one, which nothing here reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped

# Seconds. The latency objectives lie on edges: .005, .05, .1, .5, 1, 2.
LATENCY_EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
UNMATCHED = "(unmatched)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REGISTRY = "lib_web.metrics_registry"
_MASTER = "master"


@dataclass
class _Files:
    """Where this process's metrics lie, and whose they are; None: in the process."""

    folder: Path | None = None
    writer: str = _MASTER


_files = _Files()


def share_metrics(folder: Path) -> None:
    """Keep the metrics made from here on in files below `folder`. In the master, before it makes the app."""
    _files.folder = folder / "metrics"
    _files.folder.mkdir()
    # prometheus_client has no other way to be told.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_files.folder)
    values.ValueClass = values.MultiProcessValue(lambda: _files.writer)  # type: ignore[no-untyped-call]


def measure_as(worker: Worker) -> None:
    """From here on what this process counts is `worker`'s; prometheus_client sees it at the next value.

    Counters go on where the number's last worker ended. Gauges say what is, so they begin as the master left them.
    """
    if _files.folder is None:
        return
    for gauges in _files.folder.glob(f"gauge_*_{_MASTER}.db"):
        begun = gauges.with_suffix(f".{worker.number}")
        shutil.copyfile(gauges, begun)
        begun.replace(gauges.with_name(gauges.name.replace(_MASTER, str(worker.number))))
    _files.writer = str(worker.number)


def metrics_registry(app: Flask) -> CollectorRegistry:
    """Where the metrics of `app` are registered. A Gauge must choose its `multiprocess_mode`."""
    registry: CollectorRegistry = app.extensions[_REGISTRY]
    return registry


def exposition(app: Flask) -> bytes:
    """All metrics of `app`, of all its workers, in Prometheus's text format."""
    return generate_latest(_of_all_workers(app))


def measured(app: Flask) -> Iterable[Metric]:
    """All metrics of `app`, of all its workers, as they are now."""
    return _of_all_workers(app).collect()


def _of_all_workers(app: Flask) -> CollectorRegistry:
    if _files.folder is None:
        return metrics_registry(app)
    registry = CollectorRegistry()
    registry.register(_SharedCollector(_files.folder))
    registry.register(ProgramCollector(os.getppid()))
    return registry


class _SharedCollector(MultiProcessCollector):
    """The sum over the files: the master's counters with the workers', but the workers' gauges alone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None, str(folder))  # type: ignore[no-untyped-call]
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        files = [str(path) for path in self._folder.glob("*.db") if not path.match(f"gauge_*_{_MASTER}.db")]
        yield from self.merge(files)  # type: ignore[no-untyped-call]


def route_of(request: Request) -> str:
    """The path template, never the path: a closed set, and it repeats nothing that a client made up."""
    return request.url_rule.rule if request.url_rule is not None else UNMATCHED


def method_of(request: Request) -> str:
    """The method, or "other": clients may invent them."""
    return request.method if request.method in _METHODS else "other"


class HttpMetrics:
    """palate_http_requests_total, palate_http_request_seconds and palate_build_info of one app."""

    def __init__(self, app: Flask, component: str, build: BuildInfo) -> None:
        registry = CollectorRegistry()
        app.extensions[_REGISTRY] = registry
        if _files.folder is None:
            ProcessCollector(registry=registry)
        Gauge(
            "palate_build_info",
            "What runs here",
            ("component", "version", "commit"),
            registry=registry,
            multiprocess_mode="max",
        ).labels(component, build.version, build.commit).set(1)
        self._requests = Counter(
            "palate_http_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "palate_http_request_seconds",
            "Time from the first to the last line of our code",
            ("method", "route"),
            buckets=LATENCY_EDGES_S,
            registry=registry,
        )
        # labels() costs more than the increment itself; the set is closed, so its members are kept.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one reply; `status` goes in as its class ("2xx")."""
        key = (method, route, status // 100)
        children = self._children.get(key)
        if children is None:
            counter = self._requests.labels(method, route, f"{status // 100}xx")
            children = self._children[key] = (counter, self._seconds.labels(method, route))
        children[0].inc()
        children[1].observe(seconds)
