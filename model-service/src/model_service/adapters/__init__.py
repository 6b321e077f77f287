"""The far sides: the registry of models, the feedback store, Prometheus."""

from model_service.adapters.feedback_store import SqlFeedbackStore
from model_service.adapters.live_figures import LiveFigures
from model_service.adapters.metrics import PrometheusObserver
from model_service.adapters.model_states import WorkerStates
from model_service.adapters.registry_watcher import RegistryWatcher
from model_service.adapters.token_file import StaticTokens, TokenFileBroken

__all__ = [
    "LiveFigures",
    "PrometheusObserver",
    "RegistryWatcher",
    "SqlFeedbackStore",
    "StaticTokens",
    "TokenFileBroken",
    "WorkerStates",
]
