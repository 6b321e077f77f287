"""Where HTTP, adapters and domain meet."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

from flask import Flask
from lib_version import build_info
from lib_web.metrics import metrics_registry
from lib_web.problems import register_problems
from lib_web.service import Readiness, new_service
from sqlalchemy import Engine

from review_app.adapters.courier import BATCH, Courier, run_courier, run_model_watch
from review_app.adapters.database import open_database, require_newest_schema
from review_app.adapters.model_service import ModelService
from review_app.adapters.stored_experiment import StoredExperiment
from review_app.adapters.stored_outbox import StoredOutbox
from review_app.adapters.stored_reviews import StoredReviews
from review_app.adapters.team_file import read_team
from review_app.domain.desk import ReviewDesk
from review_app.domain.model_release import LastSeenModel
from review_app.domain.store import StoreUnavailable
from review_app.http.about import about_pages
from review_app.http.api import api
from review_app.http.assets import asset_routes
from review_app.http.edge import guard_edge
from review_app.http.experiment_metrics import ExperimentMetrics
from review_app.http.moderation import moderation_pages
from review_app.http.moderators import Moderators
from review_app.http.people import people_pages
from review_app.http.rendering import compile_templates, prepare_rendering, render_problem
from review_app.http.reviews import review_pages
from review_app.settings import Settings

DESCRIPTION = (
    "Write a restaurant review, read the verdict, correct it. Whoever knows a review's id may read and correct it."
)
_BACKGROUND = "review_app.background"


@dataclass(frozen=True)
class Background:
    """What the worker's threads need, and what `close` ends."""

    courier: Courier
    model: ModelService
    seen: LastSeenModel
    engine: Engine
    stopping: Event
    threads: list[Thread]


def create_app(settings: Settings) -> Flask:
    """The app, its store checked. Starts no threads.

    Raises StoreOutdated (run `review-app-migrate`), StoreUnavailable and WrongTokenFile.
    """
    build = build_info("review-app", component="app")
    engine = open_database(settings.store_url)
    require_newest_schema(engine)
    seen, outbox = LastSeenModel(), StoredOutbox(engine)

    def about() -> dict[str, Any]:
        return {"release": settings.release, "model_version": seen.version}

    app = new_service(
        "app",
        title="Palate",
        description=DESCRIPTION,
        max_body_bytes=settings.max_body_bytes,
        build=build,
        ready=lambda: _readiness(outbox, settings.release, seen),
        about=about,
    )
    registry = metrics_registry(app)
    model = ModelService(
        str(settings.model_service_url),
        token=settings.model_service_token(),
        timeout_s=settings.model_timeout_s,
        connections=settings.threads + 2,
        seen=seen,
        registry=registry,
    )
    hold = timedelta(seconds=BATCH * settings.model_timeout_s + 5)
    courier = Courier(outbox, model, release=settings.release, hold=hold, registry=registry)
    app.extensions[_BACKGROUND] = Background(courier, model, seen, engine, Event(), [])

    reviews, experiment = StoredReviews(engine), StoredExperiment(engine)
    desk = ReviewDesk(
        critic=model,
        moderation=model,
        reviews=reviews,
        release=settings.release,
        app_version=build.version,
        max_text_chars=settings.max_text_chars,
        clock=_now,
        new_id=_new_id,
    )
    guard_edge(app, settings.release, seen)
    prepare_rendering(app, settings.release, build, seen, settings.max_text_chars)
    register_problems(app, render_problem)
    app.register_blueprint(review_pages(desk, reviews, _new_id))
    app.register_blueprint(
        people_pages(read_team(), experiment, ExperimentMetrics(registry, settings.release), settings.release, _new_id)
    )
    moderator_token = settings.moderator_token()
    app.register_blueprint(moderation_pages(desk, Moderators(moderator_token) if moderator_token else None))
    app.register_blueprint(about_pages(model, experiment))
    app.register_blueprint(asset_routes())
    app.register_blueprint(api(desk, settings.max_text_chars))
    compile_templates(app)
    engine.dispose()  # a forked worker must not share the master's connections
    return app


def start_background(app: Flask) -> None:
    """Starts the worker's threads: feedback to the model-service, and a look at which model answers."""
    background: Background = app.extensions[_BACKGROUND]
    background.threads.append(run_courier(background.courier, background.stopping))
    background.threads.append(run_model_watch(background.model, background.seen, background.stopping))


def close(app: Flask) -> None:
    """Ends the threads that start_background began, and the connections."""
    background: Background = app.extensions[_BACKGROUND]
    background.stopping.set()
    for thread in background.threads:
        thread.join()
    background.model.close()
    background.engine.dispose()


def _readiness(outbox: StoredOutbox, release: str, seen: LastSeenModel) -> Readiness:
    """Ready while the store answers. A model-service that is away leaves us ready: the pages say so themselves."""
    detail: dict[str, Any] = {"model_version": seen.version}
    try:
        detail["feedback_pending"] = outbox.pending(release)
    except StoreUnavailable as error:
        return Readiness(ready=False, detail={**detail, "store": str(error)})
    return Readiness(ready=True, detail={**detail, "store": "ok"})


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return secrets.token_hex(16)
