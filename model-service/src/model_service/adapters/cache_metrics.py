"""What the cache of verdicts gives and costs, as Prometheus series."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from model_service.domain import Model
from model_service.domain.verdict_cache import Result

__all__ = ["CacheMetrics"]

# Seconds. The promises for a miss lie on edges: .0002 with 10,000 texts, .001 with 100,000.
_EDGES_S = (0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.0025, 0.01)
_MODEL = ("model", "model_version")


class CacheMetrics:
    """The palate_cache_* series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._look_ups = Counter("palate_cache_lookups", "Texts looked up", (*_MODEL, "result"), registry=registry)
        self._seconds = Histogram(
            "palate_cache_lookup_seconds",
            "Time to find a kept verdict, or that there is none",
            (*_MODEL, "result"),
            buckets=_EDGES_S,
            registry=registry,
        )
        self._entries = Gauge(
            "palate_cache_entries",
            "Verdicts kept, over all workers",
            _MODEL,
            registry=registry,
            multiprocess_mode="sum",
        )
        # labels() costs more than an increment; few labels, so the children are kept.
        self._children: dict[tuple[str, str, Result], tuple[Counter, Histogram]] = {}

    def looked_up(self, model: Model, result: Result, seconds: float) -> None:
        key = (model.name, model.version, result)
        children = self._children.get(key)
        if children is None:
            children = self._children[key] = (self._look_ups.labels(*key), self._seconds.labels(*key))
        children[0].inc()
        children[1].observe(seconds)

    def kept(self, name: str, version: str, entries: int) -> None:
        self._entries.labels(name, version).set(entries)
