"""One JSON object a line, on stdout and in a file where one is named, for our code, the server and all libraries."""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Protocol

import structlog
from pydantic_core import PydanticSerializationError, to_json

from lib_web.log_file import RotatingFile

__all__ = ["configure_logging", "frames"]

EventDict = MutableMapping[str, Any]


def configure_logging(
    component: str, level: int = logging.INFO, *, file: RotatingFile | None = None, readable: bool = False
) -> None:
    """Log as `component` from here on, to standard output and to `file`. Call once, before anything else logs.

    An exception is logged as its type and frames, without its words: they may quote a review or a secret. For the
    same reason libraries are never heard below INFO. `readable` lines are for somebody at a terminal; the file's are
    JSON all the same.
    """
    shared: list[structlog.typing.Processor] = [structlog.contextvars.merge_contextvars, _Completed(component)]
    output: _Output = _LossyStream(sys.stdout.buffer)
    if file is not None:
        output = _Both(output, _LossyStream(file), readable=readable)
    render = _render_readable if readable and file is None else _render
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=output),  # type: ignore[arg-type]  # write and flush are all it uses
        cache_logger_on_first_use=True,
    )
    _send_standard_logging_through(shared, render, output, max(level, logging.INFO))
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


class _Output(Protocol):
    def write(self, line: bytes, /) -> object: ...

    def flush(self) -> object: ...


class _LossyStream:
    """A stream that loses what it can't write: a full disk or a reader that died must not fail the request."""

    def __init__(self, stream: _Output) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        try:  # noqa: SIM105 - `suppress` would cost a tenth of the line
            self._stream.write(line)
        except OSError:
            pass

    def flush(self) -> None:
        try:  # noqa: SIM105 - as above
            self._stream.flush()
        except OSError:
            pass


class _Both:
    """Each line to the terminal or collector, and to the file."""

    def __init__(self, stream: _Output, file: _Output, *, readable: bool) -> None:
        self._stream = stream
        self._file = file
        self._readable = readable

    def write(self, line: bytes) -> None:
        self._file.write(line)
        self._stream.write(_readable(json.loads(line)) + b"\n" if self._readable else line)

    def flush(self) -> None:
        self._stream.flush()


class _Handler(logging.Handler):
    """The libraries' lines to the same output as ours."""

    def __init__(self, output: _Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.write(self.format(record).encode() + b"\n")
        self._output.flush()


def _send_standard_logging_through(
    shared: list[structlog.typing.Processor], render: structlog.typing.Processor, output: _Output, level: int
) -> None:
    def as_text(logger: object, method: str, event: EventDict) -> str:
        line = render(logger, method, event)
        return line.decode() if isinstance(line, bytes) else str(line)

    handler = _Handler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_text],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)


def _render(_logger: object, _method: str, event: EventDict) -> bytes:
    """JSON; ASCII alone, so that no reader takes U+2028 or U+0085 for a line's end or U+009B for a command."""
    try:
        line = to_json(event, fallback=_describe, inf_nan_mode="strings")
        return line if line.isascii() else to_json(event, fallback=_describe, inf_nan_mode="strings", ensure_ascii=True)
    except PydanticSerializationError:  # text that is no Unicode, such as a file name of stray bytes
        return json.dumps(event, default=_describe, skipkeys=True).encode()


def _render_readable(logger: object, method: str, event: EventDict) -> bytes:
    return _readable(json.loads(_render(logger, method, event)))


def _readable(event: EventDict) -> bytes:
    """A line for a person: time, level, event, fields; values as in JSON, so that none commands the terminal."""
    frames = event.pop("exception", None) or ()
    clock, level, name = str(event.pop("timestamp", ""))[11:23], event.pop("level", ""), event.pop("event", "")
    event.pop("component", None)
    fields = "".join(f" {key}={json.dumps(value)}" for key, value in event.items())
    return "\n    ".join(
        [f"{clock} {level:8} {json.dumps(name)[1:-1]}{fields}", *(json.dumps(each)[1:-1] for each in frames)]
    ).encode()


def _describe(value: object) -> str:
    """What stands for a value that JSON has no word for: its type, since its words are not ours to print."""
    return f"<{type(value).__name__}>"


# Methods that are not named as their level.
_LEVELS = {"exception": "error", "warn": "warning"}


class _Completed:
    """Adds level, time, component and an exception's frames; one processor, since every request has its line."""

    def __init__(self, component: str) -> None:
        self._component = component
        self._second = (0, "")

    def __call__(self, _logger: object, method: str, event: EventDict) -> EventDict:
        event["level"] = _LEVELS.get(method, method)
        event["timestamp"] = self._now()
        event["component"] = self._component
        exc_info = event.pop("exc_info", None)
        if exc_info:
            error = exc_info if isinstance(exc_info, BaseException) else _current(exc_info)
            if error is not None:
                event["exception"] = frames(error)
        return event

    def _now(self) -> str:
        """UTC as ISO 8601, to the microsecond."""
        second, microsecond = divmod(time.time_ns() // 1000, 1_000_000)
        # Taken out and put back as one, for the threads.
        kept = self._second
        if kept[0] != second:
            kept = self._second = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{kept[1]}.{microsecond:06}Z"


def _current(exc_info: object) -> BaseException | None:
    return exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1]


def frames(error: BaseException) -> list[str]:
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
