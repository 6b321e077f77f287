"""The request metrics of every service, and the registry that its own metrics join."""

from flask import Flask, Request
from lib_version import BuildInfo
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, disable_created_metrics

__all__ = ["LATENCY_EDGES_S", "HttpMetrics", "metrics_registry"]

# The time at which each series began: a second series for every one, which nothing here reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped

# Seconds. The latency objectives lie on edges: .005, .05, .1, .5, 1, 2.
LATENCY_EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
UNMATCHED = "(unmatched)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REGISTRY = "lib_web.metrics_registry"


def metrics_registry(app: Flask) -> CollectorRegistry:
    """Where the metrics of `app` are kept; what is registered here appears on its /metrics."""
    registry: CollectorRegistry = app.extensions[_REGISTRY]
    return registry


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
        ProcessCollector(registry=registry)
        information = {"component": component, "version": build.version, "commit": build.commit}
        Info("palate_build", "What runs here", registry=registry).info(information)
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
