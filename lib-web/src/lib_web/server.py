"""The production server: gunicorn with one threaded worker, set up for restarts that nobody notices.

- The listening socket belongs to the master, so connections wait there while a killed worker is replaced (the
  app is loaded before the fork: that takes milliseconds). It is opened here and not by gunicorn's
  `reuse_port`, which would give each worker its own socket and lose what is queued on it when the worker dies.
- SO_REUSEPORT on that socket lets a new master bind at once when the old one was killed and its worker still
  lives; the kernel tells that worker of its parent's death, it finishes what it has and goes.
- What gunicorn refuses by itself (broken request lines, headers, framing) is answered as a problem like any
  other error, and without a word of what was sent.
"""

import ctypes
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from struct import pack
from time import monotonic
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker
from pydantic_core import to_json

from lib_web.problems import PROBLEM_MIMETYPE

__all__ = ["serve"]

# Seconds. Longer than any proxy in front keeps its idle connections, so that it is the proxy that closes
# them: a proxy that sends on a connection we are closing sees a reset.
KEEPALIVE_S = 75
# Seconds in which running requests may finish after SIGTERM.
GRACEFUL_TIMEOUT_S = 10
# Seconds without a byte after which a thread no longer waits for the rest of a request.
RECEIVE_TIMEOUT_S = 5
# A refused body is read and dropped up to here, so that its connection stays good for the next request; beyond it the
# connection is closed. More than the gateway lets through: it would send another visitor's request on such a one.
DROPPED_BODY_BYTES = 2 << 20
BACKLOG = 1024
_PR_SET_PDEATHSIG = 1
_MEMORY = Path("/dev/shm")  # noqa: S108 - a file there has no name from the moment it is opened

log = structlog.get_logger()


def serve(
    create_app: Callable[[], Flask],
    *,
    host: str,
    port: int,
    threads: int,
    on_worker_start: Callable[[Flask], None] | None = None,
) -> None:
    """Serve the app on `host`:`port` until SIGTERM or SIGINT; returns never.

    `create_app` runs once, in the master: it must start no threads and keep no connections open. Both belong
    into `on_worker_start`, which runs in every new worker before its first request. Exits with 1 when the
    port is taken.
    """
    listener = _listen(host, port)
    log.info("listening", host=host, port=listener.getsockname()[1])
    _Gunicorn(create_app, listener, threads, on_worker_start or _nothing).run()


def _nothing(_app: Flask) -> None:
    pass


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Accepted connections inherit it: the kernel's clock for a client that stops in the middle of a request.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, pack("ll", RECEIVE_TIMEOUT_S, 0))
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        log.critical("can_not_listen", host=host, port=port, reason=error.strerror)
        sys.exit(1)
    return listener


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn brings no types
    def __init__(
        self,
        create_app: Callable[[], Flask],
        listener: socket.socket,
        threads: int,
        on_worker_start: Callable[[Flask], None],
    ) -> None:
        self._create_app = create_app
        self._on_worker_start = on_worker_start
        self._threads = threads
        # gunicorn takes the descriptor over and closes it.
        self._listener_fd = listener.detach()
        super().__init__()

    def load(self) -> Flask:
        return self._create_app()

    def load_config(self) -> None:
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": f"fd://{self._listener_fd}",
            "workers": 1,
            "worker_class": _Worker,
            "threads": self._threads,
            "preload_app": True,
            "keepalive": KEEPALIVE_S,
            "graceful_timeout": GRACEFUL_TIMEOUT_S,
            # The default answers whoever has our uid with shutdown and reload.
            "control_socket_disable": True,
            # The heartbeat is a file's time; on a slow disk a healthy worker would look dead.
            "worker_tmp_dir": str(_MEMORY) if _MEMORY.is_dir() else None,
            "limit_request_line": 8190,
            # Nothing here believes forwarded headers.
            "forwarded_allow_ips": "",
            "logger_class": _Logger,
            "post_fork": _die_with_parent,
            "post_worker_init": lambda worker: self._on_worker_start(worker.wsgi),
        }


def _die_with_parent(_arbiter: object, _worker: object) -> None:
    """Ask Linux for SIGTERM when the master dies. Elsewhere the worker's own look once a second has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class _Logger(Logger):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's lines through our handler; no access log, since each service logs its own requests."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's signature
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn brings no types
    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        """When stopping, take what already waits and close the socket at once.

        gunicorn keeps it open until the last kept-alive connection is gone. Meanwhile the kernel would go on sending
        connections here that nobody takes, also those meant for a new master on the same port.
        """
        super().set_accept_enabled(enabled)
        full = self.nr_conns >= self.worker_connections
        if enabled or full:
            return
        for listener in self.sockets:
            taken = -1
            while taken != self.nr_conns:
                taken = self.nr_conns
                self.accept(listener)
            listener.close()

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:  # noqa: ANN401, FBT001 - gunicorn's signature
        """As gunicorn's, which gives up after 64 KiB and closes a connection that it has just promised to keep."""
        deadline = monotonic() + RECEIVE_TIMEOUT_S
        return keepalive and bool(conn.parser.finish_body(deadline=deadline, max_bytes=DROPPED_BODY_BYTES))

    def handle_error(self, _req: object, client: socket.socket, _addr: object, exc: BaseException) -> None:
        """Answer what gunicorn could not read; by default HTML that repeats the input, once a 501."""
        status, title = _refusal(exc)
        if status == 500:  # noqa: PLR2004 - the code itself is the name
            log.error("unexpected_exception", exc_info=exc)
        else:
            log.info("request_refused", status=status, reason=type(exc).__name__)
        try:
            client.sendall(_refusal_bytes(status, title, type(exc).__name__))
        except OSError:
            log.debug("client_gone", reason=type(exc).__name__)


_REFUSALS: tuple[tuple[type[BaseException], int, str], ...] = (
    (errors.LimitRequestLine, 414, "URI Too Long"),
    (errors.LimitRequestHeaders, 431, "Request Header Fields Too Large"),
    (errors.ExpectationFailed, 417, "Expectation Failed"),
    (errors.InvalidResponseHeader, 500, "Internal Server Error"),
    (errors.InvalidResponseHeaderName, 500, "Internal Server Error"),
    (errors.ParseException, 400, "Bad Request"),
)


def _refusal(error: BaseException) -> tuple[int, str]:
    found = (each for each in _REFUSALS if isinstance(error, each[0]))
    _, status, title = next(found, (None, 500, "Internal Server Error"))
    return status, title


def _refusal_bytes(status: int, title: str, rule: str) -> bytes:
    detail = f"The request breaks a rule of HTTP: {rule}." if status != 500 else title  # noqa: PLR2004 - as above
    body = to_json({"type": "about:blank", "title": title, "status": status, "detail": detail})
    head = f"HTTP/1.1 {status} {title}\r\nContent-Type: {PROBLEM_MIMETYPE}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n".encode() + body
