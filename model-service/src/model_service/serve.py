"""The entry point `model-service`."""

import sys

import structlog
from lib_web.logging import configure_logging
from lib_web.server import serve

from model_service.factory import create_app, start_watching
from model_service.settings import WrongSettings, read_settings

__all__ = ["main"]

log = structlog.get_logger()


def main() -> None:
    """Serve until SIGTERM; exits with 2 when a setting is wrong, naming it."""
    configure_logging("model-service")
    try:
        settings = read_settings()
        serve(
            lambda: create_app(settings),
            host=settings.host,
            port=settings.port,
            server=settings.server,
            workers=settings.workers,
            threads=settings.threads,
            on_worker_start=lambda app, _worker: start_watching(app),
        )
    except WrongSettings as error:
        log.critical("wrong_settings", reason=str(error))
        sys.exit(2)
