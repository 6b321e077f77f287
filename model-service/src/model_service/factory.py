"""Where both sides meet: the domain, its adapters and the HTTP edge become one app."""

from functools import partial

from apiflask import APIFlask
from flask import Flask
from lib_ml.registry import FolderRegistry
from lib_version import build_info
from lib_web.metrics import metrics_registry
from lib_web.service import new_service

from model_service.adapters import PrometheusObserver, RegistryWatcher, SqlFeedbackStore
from model_service.domain import FeedbackNotStored, Models, PredictionIds, classify
from model_service.http import ReadinessCheck, feedback_routes, name_model_version, predict_routes
from model_service.settings import Settings, WrongSettings

__all__ = ["create_app", "start_watching"]

_WATCHER = "model_service.watcher"


def create_app(settings: Settings) -> APIFlask:
    """The service, with the models that the aliases name if they can be loaded; no threads, no open connections.

    Raises WrongSettings when a key or the feedback store can not be used.
    """
    models = _models(settings)
    active = models.primary
    build = build_info("model-service")
    app = new_service(
        "model-service",
        title="Palate model-service",
        description="Classifies texts with the model that its alias names, and takes feedback on what it said.",
        max_body_bytes=settings.max_body_bytes,
        build=build,
        ready=ReadinessCheck(active),
        about=lambda: {"model": active.model.about() if active.model else None},
    )
    observer = PrometheusObserver(metrics_registry(app))
    ids = PredictionIds(settings.prediction_key())
    plainly = partial(classify, ids)
    app.register_blueprint(
        predict_routes(active, plainly, observer, max_text_chars=settings.max_text_chars, service_version=build.version)
    )
    app.register_blueprint(feedback_routes(active, ids, _feedback_store(settings), observer))
    name_model_version(app, active)
    watcher = RegistryWatcher(
        FolderRegistry(settings.registry),
        models,
        observer,
        interval_s=settings.poll_interval_s,
        public_key=settings.model_public_key(),
    )
    watcher.look()
    app.extensions[_WATCHER] = watcher
    return app


def start_watching(app: Flask) -> None:
    """Follow the aliases from here on; once in each process that answers requests."""
    watcher: RegistryWatcher = app.extensions[_WATCHER]
    watcher.start()


def _models(settings: Settings) -> Models:
    try:
        return Models(settings.alias, settings.networks, moderation=settings.moderation, shadow=settings.shadow)
    except ValueError as error:
        raise WrongSettings(f"MODEL_SERVICE_MODERATION: {error}") from None


def _feedback_store(settings: Settings) -> SqlFeedbackStore:
    store = SqlFeedbackStore(settings.feedback_url)
    try:
        store.create_table()
    except FeedbackNotStored as error:
        raise WrongSettings(f"MODEL_SERVICE_FEEDBACK_URL: the store can not be used: {error}") from error
    return store
