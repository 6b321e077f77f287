"""Where counting, metering and limits are joined: their rules, their far sides and their routes."""

from collections.abc import Callable
from functools import partial

from apiflask import APIFlask
from flask import Flask
from lib_web.metrics import metrics_registry
from lib_web.workers import worker_of

from model_service.adapters.call_counts import CallCounts
from model_service.adapters.call_tally import CallTally
from model_service.adapters.caller_metrics import CallerMetrics
from model_service.adapters.lmdb_counts import LmdbCounts
from model_service.domain.statistics import APIS, CountStore
from model_service.http.call_counting import count_calls
from model_service.http.statistics import statistics_routes
from model_service.settings import LimitSettings, Settings, WrongSettings

__all__ = ["count_and_limit", "counter", "start_counting", "stop_counting"]

_COUNTS = "model_service.counts"


def count_and_limit(app: APIFlask, settings: Settings) -> None:
    """Count the calls of `app` and limit its callers, whose tokens are read before. Raises WrongSettings."""
    tally, metrics = CallTally(), CallerMetrics(metrics_registry(app))
    counts = app.extensions[_COUNTS] = CallCounts(tally, _store(settings))
    app.register_blueprint(statistics_routes(counts))

    def meter(name: str, characters: int) -> None:
        tally.meter(name, characters)
        metrics.metered(name, characters)

    count_calls(app, tally.count, meter)
    if settings.limits.per_token or settings.limits.per_address:
        _limit(app, settings.limits, metrics)


def counter(app: Flask, api: str) -> Callable[[], None]:
    """Counts one call of `api` that `app` answers past its hooks."""
    counts: CallCounts = app.extensions[_COUNTS]
    return partial(counts.tally.count, APIS.index(api))


def start_counting(app: Flask) -> None:
    """In each worker: join the common tally, and store what is counted."""
    counts: CallCounts = app.extensions[_COUNTS]
    worker = worker_of(app)
    counts.tally.join(worker.folder, worker.number)
    counts.start()


def stop_counting(app: Flask) -> None:
    """After a worker's last request: store what is left."""
    counts: CallCounts = app.extensions[_COUNTS]
    counts.stop()


def _store(settings: Settings) -> Callable[[], CountStore]:
    url = settings.statistics.store_url
    if url is not None:
        from model_service.adapters.redis_counts import RedisCounts  # noqa: PLC0415 - only who uses Redis loads it

        return lambda: RedisCounts(url)
    folder = settings.state_folder / "counts"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongSettings(f"MODEL_SERVICE_STATE_FOLDER: {folder} can not be made: {error.strerror}") from None
    return lambda: LmdbCounts(folder)


def _limit(app: Flask, settings: LimitSettings, metrics: CallerMetrics) -> None:
    # What limits need takes 0.1 s to load: only who sets one pays for it.
    from model_service.adapters.rate_limits import RateLimits  # noqa: PLC0415
    from model_service.domain.rate_limit import read_limit  # noqa: PLC0415
    from model_service.http.throttling import Throttle  # noqa: PLC0415

    limits = RateLimits(settings.store_url, lambda: worker_of(app).folder)
    per_token, per_address = (read_limit(text) if text else None for text in (settings.per_token, settings.per_address))
    Throttle(limits, per_token, per_address, metrics.throttled).guard(app)
