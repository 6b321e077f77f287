"""A short way for the request that nearly everybody sends: a small JSON body by POST, answered without Flask.

Flask's own part of such a request (its context, the search for the route, the hooks, the reply object) costs more than
a short text's verdict. What this way does not answer it has not touched: the app below gets the request with the same
body, so every refusal, every odd header and every failure is answered there, by the one code that does so.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from time import perf_counter
from typing import Any, NamedTuple

__all__ = ["Answer", "HotPath", "PlainReply"]

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
# With one of these a request asks for something that only the app below looks at.
_ODD = frozenset({"HTTP_AUTHORIZATION", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING"})
_ACCEPTED = frozenset({"*/*", "application/json"})


class PlainReply(NamedTuple):
    """A 200 in JSON, with headers of its own, and what the request's log line says beside the usual."""

    body: bytes
    headers: tuple[tuple[str, str], ...]
    said: dict[str, Any]


Answer = Callable[[bytes], PlainReply | None]
# Told of each request that was answered here: environ, route, perf_counter at its start, what the reply said.
Finished = Callable[[Environ, str, float, dict[str, Any]], None]


class HotPath:
    """Stands in front of a WSGI app and answers the plain requests for its routes."""

    def __init__(self, wsgi_app: Wsgi, finished: Finished) -> None:
        self._wsgi_app = wsgi_app
        self._finished = finished
        self._routes: dict[str, tuple[Answer, int]] = {}

    def add(self, route: str, answer: Answer, *, max_body_bytes: int) -> None:
        """Let `answer` have the plain bodies for `route`; by None it leaves one to the app, having counted nothing."""
        self._routes[route] = (answer, max_body_bytes)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        route = environ["PATH_INFO"]
        hot = self._routes.get(route)
        if hot is None or not _is_plain(environ, hot[1]):
            return self._wsgi_app(environ, start_response)
        started = perf_counter()
        body = _read(environ)
        reply = None if body is None else _tried(hot[0], body)
        if reply is None:
            return self._wsgi_app(environ, start_response)
        self._finished(environ, route, started, reply.said)
        length = ("Content-Length", str(len(reply.body)))
        start_response("200 OK", [("Content-Type", "application/json"), length, *reply.headers])
        return [reply.body]


def _is_plain(environ: Environ, max_body_bytes: int) -> bool:
    if environ["REQUEST_METHOD"] != "POST" or environ.get("CONTENT_TYPE") != "application/json":
        return False
    length = environ.get("CONTENT_LENGTH", "")
    if not (length.isdecimal() and len(length) < 10 and 0 < int(length) <= max_body_bytes):  # noqa: PLR2004 - digits
        return False
    return environ.get("HTTP_ACCEPT", "*/*") in _ACCEPTED and _ODD.isdisjoint(environ)


def _read(environ: Environ) -> bytes | None:
    """The body, which the app below may read again; None when it did not come whole."""
    length = int(environ["CONTENT_LENGTH"])
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except OSError as error:
        environ["wsgi.input"] = _Broken(error)
        return None
    environ["wsgi.input"] = BytesIO(body)
    return body if len(body) == length else None


def _tried(answer: Answer, body: bytes) -> PlainReply | None:
    try:
        return answer(body)
    except Exception:  # noqa: BLE001 - the app below meets the same failure, and it logs and answers it
        return None


class _Broken:
    """A body that could not be read: whoever tries again meets the same error, at once."""

    def __init__(self, error: OSError) -> None:
        self._error = error

    def read(self, _size: int = -1) -> bytes:
        raise self._error
