"""granian: HTTP read and written by compiled code (hyper) on a thread of its own, the app called on Python threads.

Taken from it is the worker, `granian._granian.WSGIWorker`, not its master (see `prefork`). Not its wrapper around the
app either, which copies the environment's variables into every request.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from math import inf
from threading import Event
from typing import Any, NoReturn

import structlog
from flask import Flask
from granian import _granian
from granian._futures import _new_cbscheduler
from granian.http import HTTP1Settings

from lib_web.server.listener import BACKLOG
from lib_web.server.prefork import Master
from lib_web.server.program import KEEPALIVE_S, Program
from lib_web.server.refusals import LIMIT_REQUEST_LINE, refusal
from lib_web.server.stalled_bodies import Body, Requests
from lib_web.server.turns import WAITING, Turns

__all__ = ["run"]

log = structlog.get_logger()

# Its stubs are not those of its compiled part.
_compiled: Any = _granian
# Open connections of a worker, kept ones included; granian takes no more until one closes.
_CONNECTIONS = 1024
# Bytes of request line and headers together; more get 431.
_HEAD_BYTES = 32_768
# Bytes; a reply up to here is handed over whole.
_WHOLE_BYTES = 1 << 20
_LOOK_S = 1.0
_CONTINUE = "100-continue"
_ENVIRON = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SCRIPT_NAME": "",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}


def run(program: Program, listener: socket.socket) -> NoReturn:
    """Answer on `listener` until SIGTERM or SIGINT."""
    Master(program, listener, _answer).run()


def _answer(program: Program, listener: socket.socket) -> None:
    master = os.getppid()
    turns = Turns(program.threads)
    requests = Requests(listener.getsockname()[1], turns)
    requests.watch()
    ended = Event()
    stop = _compiled.WorkerSignal()
    stop.add_cb(ended.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker = _compiled.WSGIWorker(
        1,
        (None, _compiled.SocketHolder(*_descriptor(listener))),
        None,
        threads=1,
        blocking_threads=1,
        py_threads=program.threads + WAITING,
        backpressure=_CONNECTIONS,
        http_mode="1",
        http1_opts=HTTP1Settings(header_read_timeout=KEEPALIVE_S * 1000, max_buffer_size=_HEAD_BYTES),
        metrics=(None, None),
    )
    # It keeps the loop in hand without ever running it.
    scheduler = _new_cbscheduler(asyncio.new_event_loop(), _answering(program.app, requests, turns), impl_asyncio=True)  # type: ignore[no-untyped-call]
    worker.serve_mtr(scheduler, None, stop)
    # Not without end: a signal that comes just before the wait would only be seen after it. And a master that is gone
    # where no kernel tells of it is noticed here.
    while not ended.wait(_LOOK_S):
        if os.getppid() != master:
            stop.set()


def _descriptor(listener: socket.socket) -> tuple[int, bool, int]:
    """Descriptor, whether it is a Unix socket, backlog; granian closes the descriptor."""
    return listener.detach(), False, BACKLOG


class _Start:
    """WSGI's start_response: keeps what the app says until its body is there."""

    __slots__ = ("headers", "status")

    status: int
    headers: list[tuple[str, str]]

    def __call__(self, status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> None:
        self.status = int(status[:3])
        self.headers = headers


class _Chunks:
    """A body that comes in pieces, as granian reads it."""

    __slots__ = ("__next__", "_body")

    def __init__(self, body: Any) -> None:  # noqa: ANN401 - any iterable
        self._body = body
        self.__next__ = iter(body).__next__

    def close(self) -> None:
        _close(self._body)


def _close(body: Any) -> None:  # noqa: ANN401 - any iterable
    if hasattr(body, "close"):
        body.close()


def _length(headers: list[tuple[str, str]]) -> float:
    """Bytes of the reply's body; without end where the reply does not say."""
    return next((int(value) for name, value in headers if name == "Content-Length"), inf)


def _answering(app: Flask, requests: Requests, turns: Turns) -> Callable[[Any, dict[str, Any]], None]:
    """What granian calls for each request, with its protocol and the request's part of the environ."""

    def answer(protocol: Any, request: dict[str, Any]) -> None:  # noqa: ANN401 - granian brings no types
        broken = _broken_rule(request)
        if broken is not None:
            structlog.contextvars.clear_contextvars()
            log.info("request_refused", status=broken[0], reason=broken[1])
            protocol.response_bytes(broken[0], *refusal(*broken))
            return
        environ = _ENVIRON | request
        body = None
        if "CONTENT_LENGTH" in request or "HTTP_TRANSFER_ENCODING" in request:
            body = environ["wsgi.input"] = Body(request["wsgi.input"], request.get("CONTENT_LENGTH"), requests)
        requests.begin()
        try:
            reply(protocol, environ)
            if body is not None:
                body.drop()
        finally:
            requests.end()

    def reply(protocol: Any, environ: dict[str, Any]) -> None:  # noqa: ANN401 - as above
        start = _Start()
        chunks = app.wsgi_app(environ, start)  # type: ignore[arg-type]  # nothing here uses WSGI's write()
        if not isinstance(chunks, list) and _length(start.headers) <= _WHOLE_BYTES:
            # What comes in pieces crosses from thread to thread for each, which costs more than a short reply.
            chunks, pieces = [*chunks], chunks
            _close(pieces)
        if isinstance(chunks, list):
            protocol.response_bytes(start.status, start.headers, b"".join(chunks))
        else:
            protocol.response_iter(start.status, start.headers, _Chunks(turns.each(chunks)))

    return answer


def _broken_rule(request: dict[str, Any]) -> tuple[HTTPStatus, str] | None:
    """What granian lets through and gunicorn does not."""
    if len(request["PATH_INFO"]) + len(request["QUERY_STRING"]) > LIMIT_REQUEST_LINE:
        return HTTPStatus.REQUEST_URI_TOO_LONG, "LimitRequestLine"
    if request.get("HTTP_EXPECT", _CONTINUE).lower() != _CONTINUE:
        return HTTPStatus.EXPECTATION_FAILED, "ExpectationFailed"
    return None
