"""How often the shadow agrees, as Prometheus series."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from model_service.domain import Model
from model_service.domain.shadow import Left

__all__ = ["ShadowMetrics"]

_EDGES = (0.001, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
_VERSIONS = ("model_version", "shadow_version")


class ShadowMetrics:
    """The palate_shadow_* series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._agreement = Counter(
            "palate_shadow_agreement",
            "Texts that the shadow scored, by whether it gives the answered label",
            (*_VERSIONS, "agree"),
            registry=registry,
        )
        self._difference = Histogram(
            "palate_shadow_difference",
            "Between the probabilities that both models give the answered label",
            _VERSIONS,
            buckets=_EDGES,
            registry=registry,
        )
        self._left_out = Counter(
            "palate_shadow_left_out", "Texts that the shadow should have scored", ("reason",), registry=registry
        )
        # labels() costs more than an increment; few labels, so the children are kept.
        self._children: dict[tuple[str, str, bool], tuple[Counter, Histogram]] = {}

    def compared(self, model: Model, shadow: Model, difference: float, *, agree: bool) -> None:
        key = (model.version, shadow.version, agree)
        children = self._children.get(key)
        if children is None:
            counter = self._agreement.labels(*key[:2], "true" if agree else "false")
            children = self._children[key] = (counter, self._difference.labels(*key[:2]))
        children[0].inc()
        children[1].observe(difference)

    def left_out(self, reason: Left) -> None:
        self._left_out.labels(reason).inc()
