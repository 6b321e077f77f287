"""What callers use and how often they are refused, as Prometheus series."""

from prometheus_client import CollectorRegistry, Counter

from model_service.domain.usage import OTHERS, bounded_name

__all__ = ["CallerMetrics"]

# A series each; the names beyond are summed.
MAX_NAMES = 100


class CallerMetrics:
    """palate_metered_* by token name, for at most 100 names of each worker, and palate_throttled_total."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter("palate_metered_calls", "Calls made with a token", ("name",), registry=registry)
        self._characters = Counter(
            "palate_metered_characters", "Characters classified for a token", ("name",), registry=registry
        )
        self._throttled = Counter("palate_throttled", "Calls refused with 429", ("by",), registry=registry)
        self._children: dict[str, tuple[Counter, Counter]] = {}

    def metered(self, name: str, characters: int) -> None:
        """One call by `name`."""
        children = self._children.get(name) or self._children_of(name)
        children[0].inc()
        children[1].inc(characters)

    def _children_of(self, name: str) -> tuple[Counter, Counter]:
        name = bounded_name(name) if len(self._children) < MAX_NAMES else OTHERS
        return self._children.setdefault(name, (self._calls.labels(name), self._characters.labels(name)))

    def throttled(self, by: str) -> None:
        """One refusal, by "token" or "address"."""
        self._throttled.labels(by).inc()
