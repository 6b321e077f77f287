"""The far sides: the registry of models, the feedback store, Prometheus."""

from model_service.adapters.feedback_store import SqlFeedbackStore
from model_service.adapters.metrics import PrometheusObserver
from model_service.adapters.registry_watcher import RegistryWatcher

__all__ = ["PrometheusObserver", "RegistryWatcher", "SqlFeedbackStore"]
