"""Where both sides meet: the domain, its adapters and the HTTP edge become one app."""

from apiflask import APIFlask
from flask import Flask
from lib_ml.registry import FolderRegistry
from lib_version import build_info
from lib_web.metrics import metrics_registry
from lib_web.service import hot_path, new_service
from lib_web.workers import Worker, worker_of

from model_service.adapters import (
    LiveFigures,
    PrometheusObserver,
    RegistryWatcher,
    SqlFeedbackStore,
    WorkerStates,
)
from model_service.authenticating import tokens_of
from model_service.classifying import classifying
from model_service.counting import count_and_limit, counter, start_counting, stop_counting
from model_service.domain import FeedbackNotStored, Models, PredictionIds
from model_service.domain.live_accuracy import HOUR_S, PredictionCounts
from model_service.http import (
    ReadinessCheck,
    Scoring,
    answer_failures,
    classify_routes,
    feedback_routes,
    inference_protocol_routes,
    model_routes,
    name_model_version,
    plain_predict,
    predict_routes,
    problem_pages,
    read_tokens,
    toxicity_routes,
)
from model_service.reporting import report_metrics, start_reporting, stop_reporting
from model_service.settings import Settings, WrongSettings

__all__ = ["create_app", "start_watching", "start_worker", "stop_worker"]

_WATCHER = "model_service.watcher"
_FIGURES = "model_service.live_figures"
_MODELS = "model_service.models"
_SHADOW = "model_service.shadow"


def create_app(settings: Settings) -> APIFlask:
    """The service, with the models that the aliases name if they can be loaded; no threads, no open connections.

    Raises WrongSettings when a key or the feedback store can not be used.
    """
    models = _models(settings)
    active = models.primary
    ready = ReadinessCheck(active)
    build = build_info("model-service")
    app = new_service(
        "model-service",
        title="Palate model-service",
        description="Classifies texts with the model that its alias names, and takes feedback on what it said.",
        max_body_bytes=settings.max_body_bytes,
        build=build,
        ready=ready,
        about=lambda: {"model": active.model.about() if active.model else None},
    )
    answer_failures(app)
    read_tokens(app, tokens_of(settings), settings.limits.trusted_proxies)
    counts, window_s = PredictionCounts(), settings.feedback_hours * HOUR_S
    observer = PrometheusObserver(metrics_registry(app), counts)
    ids = PredictionIds(settings.prediction_key())
    verdicts = classifying(settings, models, metrics_registry(app))
    scoring = Scoring(verdicts.classify, ids, observer, settings.max_text_chars, build.version)
    app.register_blueprint(
        predict_routes(
            active,
            scoring,
            max_texts=settings.max_texts,
            max_body_bytes=settings.max_body_bytes,
            max_batch_bytes=settings.max_batch_bytes,
        )
    )
    store = _feedback_store(settings)
    app.register_blueprint(feedback_routes(active, ids, store, observer, longest_s=window_s))
    app.extensions[_FIGURES] = LiveFigures(metrics_registry(app), store, counts, window_s=window_s)
    longest = settings.max_text_chars
    app.register_blueprint(
        classify_routes(models, verdicts.classify, ids, observer, max_text_chars=longest, service_version=build.version)
    )
    app.register_blueprint(toxicity_routes(models, observer, max_text_chars=longest))
    app.register_blueprint(model_routes(models, lambda: WorkerStates(worker_of(app), models).all()))
    app.register_blueprint(
        inference_protocol_routes(
            models,
            observer,
            ready,
            service_version=build.version,
            max_text_chars=settings.max_text_chars,
            max_texts=settings.max_texts,
            max_batch_bytes=settings.max_batch_bytes,
        )
    )
    app.register_blueprint(problem_pages())
    name_model_version(app, active)
    count_and_limit(app, settings)
    if settings.limits.per_address is None:  # else each request's address has to be looked at
        answer = plain_predict(active, scoring, counter(app, "predict"))
        hot_path(app).add("/predict", answer, max_body_bytes=settings.max_body_bytes)
    watcher = RegistryWatcher(
        FolderRegistry(settings.registry),
        models,
        observer,
        interval_s=settings.poll_interval_s,
        public_key=settings.model_public_key(),
        prepare=verdicts.prepare,
    )
    watcher.look()
    app.extensions[_WATCHER] = watcher
    app.extensions[_MODELS] = models
    if verdicts.shadow is not None:
        app.extensions[_SHADOW] = verdicts.shadow
    report_metrics(app, settings.reporting)
    return app


def start_worker(app: Flask, worker: Worker) -> None:
    """What runs beside the requests, in each process that answers them."""
    start_watching(app)
    start_counting(app)
    app.extensions[_FIGURES].start()
    if _SHADOW in app.extensions:
        app.extensions[_SHADOW].start()
    start_reporting(app, worker)


def stop_worker(app: Flask, worker: Worker) -> None:
    """After the worker's last request."""
    stop_counting(app)
    app.extensions[_FIGURES].stop()
    if _SHADOW in app.extensions:
        app.extensions[_SHADOW].stop()
    stop_reporting(app, worker)


def start_watching(app: Flask) -> None:
    """Follow the aliases from here on; once in each process that answers requests."""
    watcher: RegistryWatcher = app.extensions[_WATCHER]
    watcher.start(WorkerStates(worker_of(app), app.extensions[_MODELS]).write)


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
