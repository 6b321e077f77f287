"""One JSON object a line on stdout, for our code, gunicorn and every library alike."""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, BinaryIO

import structlog
from pydantic_core import to_json

__all__ = ["configure_logging"]

EventDict = MutableMapping[str, Any]


def configure_logging(component: str, level: int = logging.INFO) -> None:
    """Log as `component` from here on. Call once, before anything else logs.

    An exception is logged as its type and frames, without its words: they may quote a review or a secret.
    """

    def name_component(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["component"] = component
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_component,
        _frames_only,
    ]
    structlog.configure(
        processors=[*shared, _render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=_LossyStream(sys.stdout.buffer)),  # type: ignore[arg-type]  # write and flush are all it uses
        cache_logger_on_first_use=True,
    )
    _send_standard_logging_through(shared, level)
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


class _LossyStream:
    """A stream that loses what it can't write: a full disk or a reader that died must not fail the request."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        with suppress(OSError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _send_standard_logging_through(shared: list[structlog.typing.Processor], level: int) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render_text],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)


def _render(_logger: object, _method: str, event: EventDict) -> bytes:
    return to_json(event, fallback=_describe, inf_nan_mode="strings")


def _render_text(logger: object, method: str, event: EventDict) -> str:
    return _render(logger, method, event).decode()


def _describe(value: object) -> str:
    """What stands for a value that JSON has no word for: its type, since its words are not ours to print."""
    return f"<{type(value).__name__}>"


def _frames_only(_logger: object, _method: str, event: EventDict) -> EventDict:
    exc_info = event.pop("exc_info", None)
    if not exc_info:
        return event
    error = exc_info if isinstance(exc_info, BaseException) else _current(exc_info)
    if error is not None:
        event["exception"] = _frames(error)
    return event


def _current(exc_info: object) -> BaseException | None:
    return exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1]


def _frames(error: BaseException) -> list[str]:
    """Types and frames of `error` and what caused it, outermost first."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(f"{type(current).__module__}.{type(current).__qualname__}")
        lines += [f"  {f.filename}:{f.lineno} {f.name}: {f.line}" for f in traceback.extract_tb(current.__traceback__)]
        current = current.__cause__ or current.__context__
    return lines


def _log_crash(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("crashed", exc_info=error)


def _log_thread_crash(arguments: threading.ExceptHookArgs) -> None:
    thread = arguments.thread.name if arguments.thread else None
    structlog.get_logger().error("thread_crashed", thread=thread, exc_info=arguments.exc_value)
