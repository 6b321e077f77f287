"""gunicorn with threaded workers, set up for restarts that nobody notices.

What gunicorn refuses by itself is answered as a problem like any other error. Its listening socket is ours, not made by
its `reuse_port`, which would give each worker its own and lose what is queued on it when the worker dies.
"""

import logging
import signal
import socket
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import _DEFER, ThreadWorker

from lib_web.server.listener import RECEIVE_TIMEOUT_S
from lib_web.server.program import GRACEFUL_TIMEOUT_S, KEEPALIVE_S, Program
from lib_web.server.refusals import LIMIT_REQUEST_LINE, refusal
from lib_web.server.turns import WAITING, Turns, Wsgi
from lib_web.workers import Worker

__all__ = ["run"]

# A refused body is read and dropped up to here, so that its connection stays good for the next request; beyond it the
# connection is closed. More than the gateway lets through: it would send another visitor's request on such a one.
DROPPED_BODY_BYTES = 2 << 20
_MEMORY = Path("/dev/shm")  # noqa: S108 - a file there has no name from the moment it is opened

log = structlog.get_logger()


def run(program: Program, listener: socket.socket) -> NoReturn:
    """Answer on `listener` until SIGTERM or SIGINT."""
    # gunicorn takes the descriptor over and closes it.
    application = _Gunicorn(program, listener.detach())
    _Arbiter(application, program).run()
    raise AssertionError


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn brings no types
    def __init__(self, program: Program, listener_fd: int) -> None:
        self._program = program
        self._listener_fd = listener_fd
        super().__init__()

    def load(self) -> Wsgi:
        # In the master: a worker gets its own turns with its copy of the memory.
        return Turns(self._program.threads).wrap(self._program.app.wsgi_app)

    def load_config(self) -> None:
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": f"fd://{self._listener_fd}",
            "workers": self._program.workers,
            "worker_class": _Worker,
            "threads": self._program.threads,
            "preload_app": True,
            "keepalive": KEEPALIVE_S,
            "graceful_timeout": GRACEFUL_TIMEOUT_S,
            # The default answers whoever has our uid with shutdown and reload.
            "control_socket_disable": True,
            # The heartbeat is a file's time; on a slow disk a healthy worker would look dead.
            "worker_tmp_dir": str(_MEMORY) if _MEMORY.is_dir() else None,
            "limit_request_line": LIMIT_REQUEST_LINE,
            # Nothing here believes forwarded headers.
            "forwarded_allow_ips": "",
            "logger_class": _Logger,
            "post_worker_init": self._start_worker,
            "worker_exit": self._stop_worker,
        }

    def _start_worker(self, worker: "_Worker") -> None:
        worker.started = self._program.start_worker(worker.number, worker.ppid)

    def _stop_worker(self, _arbiter: Arbiter, worker: "_Worker") -> None:
        if worker.started is not None:
            self._program.stop_worker(worker.started)


class _Arbiter(Arbiter):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's master. The number of workers stays what it is, and a new app is a new program."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

    def __init__(self, application: _Gunicorn, program: Program) -> None:
        self._program = program
        super().__init__(application)

    def spawn_worker(self) -> Any:  # noqa: ANN401 - gunicorn's signature
        taken = {worker.number for worker in self.WORKERS.values()}
        _Worker.next_number = min(set(range(self._program.workers)) - taken)
        return super().spawn_worker()

    def handle_term(self) -> None:
        self._program.drain()
        super().handle_term()


class _Logger(Logger):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's lines through our handler; no access log, since each service logs its own requests."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's signature
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)

    def exception(self, msg: str, *arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 - gunicorn's signature
        """As gunicorn's, which takes a client that stops in the middle of its headers for an error of ours."""
        if isinstance(sys.exc_info()[1], BlockingIOError):
            log.info("headers_stalled")
        else:
            super().exception(msg, *arguments, **keywords)


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn brings no types
    next_number = 0

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - gunicorn's signature
        super().__init__(*arguments)
        self.number = self.next_number
        self.started: Worker | None = None

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

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Threads for those that wait for their clients, too; it starts them when they are needed."""
        return ThreadPoolExecutor(self.cfg.threads + WAITING)

    def finish_request(self, conn: Any, fs: "Future[object]") -> None:  # noqa: ANN401 - gunicorn's signature
        """As gunicorn's, whose one accepting thread waits up to two seconds until a refused client closes, too."""
        if fs.cancelled() or fs.exception() is not None or fs.result():
            super().finish_request(conn, fs)
            return
        closing = self.tpool.submit(conn.close, graceful=True)
        closing.add_done_callback(lambda _: self.method_queue.defer(self._count_closed))

    def _count_closed(self) -> None:
        self.nr_conns -= 1

    def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401 - gunicorn's signature
        """Let a new connection wait for its first byte in the poller; gunicorn lets it hold a thread for seconds."""
        if conn.initialized or conn.data_ready or conn.wait_for_data(0):
            super().enqueue_req(conn)
            return
        silent: Future[object] = Future()
        silent.set_result(_DEFER)
        self.finish_request(conn, silent)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:  # noqa: ANN401, FBT001 - gunicorn's signature
        """As gunicorn's, which gives up after 64 KiB and closes a connection that it has just promised to keep."""
        deadline = monotonic() + RECEIVE_TIMEOUT_S
        return keepalive and bool(conn.parser.finish_body(deadline=deadline, max_bytes=DROPPED_BODY_BYTES))

    def handle_error(self, _req: object, client: socket.socket, _addr: object, exc: BaseException) -> None:
        """Answer what gunicorn could not read; by default HTML that repeats the input, once a 501."""
        status = _status(exc)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("unexpected_exception", exc_info=exc)
        else:
            log.info("request_refused", status=status, reason=type(exc).__name__)
        headers, body = refusal(status, type(exc).__name__)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        try:
            client.sendall(f"HTTP/1.1 {status} {status.phrase}\r\n{head}\r\n".encode() + body)
        except OSError:
            log.debug("client_gone", reason=type(exc).__name__)


_REFUSALS: tuple[tuple[type[BaseException], HTTPStatus], ...] = (
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (errors.InvalidResponseHeader, HTTPStatus.INTERNAL_SERVER_ERROR),
    (errors.InvalidResponseHeaderName, HTTPStatus.INTERNAL_SERVER_ERROR),
    (errors.ParseException, HTTPStatus.BAD_REQUEST),
)


def _status(error: BaseException) -> HTTPStatus:
    found = (status for kind, status in _REFUSALS if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)
