"""The entry point `model-service`."""

import logging
import stat
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import get_args

import structlog
from flask import Flask
from lib_web.log_file import RotatingFile
from lib_web.logging import configure_logging
from lib_web.problems import explain_failures
from lib_web.server import serve

from model_service.factory import create_app, start_worker, stop_worker
from model_service.reloading import is_reloaded, run_reloaded
from model_service.settings import Mode, Settings, WrongSettings, read_settings
from model_service.settings_sources import settings_file

__all__ = ["main"]

_MAX_PORT = 65_535

log = structlog.get_logger()


def main() -> None:
    """What the command `model-service` runs: serve until SIGTERM.

    Exits with 1 when the port is taken, with 2 when a setting is wrong; the log names it.
    """
    given = _command_line().parse_args()
    try:
        settings = read_settings(given.config, mode=given.mode, host=given.host, port=given.port)
        _open_log(settings)
        if settings.mode == "DEV" and not is_reloaded():
            sys.exit(run_reloaded([settings_file(given.config)]))
        _serve(settings)
    except WrongSettings as error:
        if not structlog.is_configured():
            configure_logging("model-service")
        log.critical("wrong_settings", type="/problems/wrong-settings", reason=str(error))
        sys.exit(2)


def _command_line() -> ArgumentParser:
    parser = ArgumentParser(
        "model-service",
        description="Serve until SIGTERM. Exits with 1 when the port is taken, with 2 when a setting is wrong; "
        "the log names it.",
        epilog="What is given here comes before MODEL_SERVICE_* in the environment, and that before the file. "
        "Every setting is explained in the README and in the example model-service.yaml.",
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=_port, help="Port to listen on.")
    parser.add_argument("--host", help="Address to listen on (127.0.0.1 unless set).")
    parser.add_argument(
        "--mode",
        choices=get_args(Mode),
        metavar="|".join(get_args(Mode)),
        help="DEPLOY (unless set) refuses placeholder secrets and debug logs; TEST the latter alone; "
        "DEV also starts again when code or settings change, logs everything and explains failures.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="Settings file; else the one MODEL_SERVICE_CONFIG names, else ./model-service.yaml.",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _MAX_PORT):
        raise ArgumentTypeError(f"must be a whole number from 1 to {_MAX_PORT}")
    return int(text)


def _serve(settings: Settings) -> None:
    def new_app() -> Flask:
        app = create_app(settings)
        if settings.mode == "DEV":
            explain_failures(app)
        return app

    serve(
        new_app,
        host=settings.host,
        port=settings.port,
        server=settings.server,
        workers=settings.workers,
        threads=settings.threads,
        drain_s=settings.drain_s,
        on_worker_start=start_worker,
        on_worker_stop=stop_worker,
    )


def _open_log(settings: Settings) -> None:
    chosen = settings.logging
    level = logging.getLevelNamesMapping()[settings.log_level]
    readable = settings.mode == "DEV" and sys.stdout.isatty()
    try:
        file = RotatingFile(chosen.file, chosen.max_bytes, chosen.backups) if chosen.file else None
    except OSError as error:
        raise WrongSettings(f"logging.file: {chosen.file} can not be written: {error.strerror}") from None
    configure_logging("model-service", level, file=file, readable=readable)
    for path in settings.secret_files():
        if path.exists() and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            log.warning("secret_open_to_all", file=str(path), remedy="chmod o-rwx")
