"""How the routes classify: plainly, out of the cache, in the company of a shadow. What is off is not there."""

from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from model_service.adapters.cache_metrics import CacheMetrics
from model_service.adapters.shadow_metrics import ShadowMetrics
from model_service.adapters.shadow_thread import ShadowThread
from model_service.domain import Model, Models, classify
from model_service.domain.shadow import Shadow
from model_service.domain.verdict import Classify
from model_service.domain.verdict_cache import CachedVerdicts
from model_service.settings import Settings

__all__ = ["Classifying", "classifying"]


class Classifying(NamedTuple):
    """`prepare` is to be called with each model before it answers; `shadow` to be started in each worker."""

    classify: Classify
    prepare: Callable[[Model], None] | None
    shadow: ShadowThread | None


def classifying(settings: Settings, models: Models, metrics_registry: CollectorRegistry) -> Classifying:
    """As the settings ask for."""
    verdicts: Classify = classify
    prepare, shadow = None, None
    cache = settings.cache
    if cache.use != "off":
        cached = CachedVerdicts(
            verdicts,
            CacheMetrics(metrics_registry),
            always=cache.use == "on",
            entries=cache.entries,
            max_distance=cache.max_distance,
        )
        verdicts, prepare = cached.classify, cached.prepare
    if models.shadow is not None:
        shadowed = Shadow(verdicts, models.shadow, ShadowMetrics(metrics_registry))
        verdicts, shadow = shadowed.classify, ShadowThread(shadowed)
    return Classifying(verdicts, prepare, shadow)
