"""The outermost layer: the request's id, and the headers that every reply carries.

Below Flask, as plain WSGI: here a header is a tuple in a list, while one look into werkzeug's Headers costs as much as
the whole of this.
"""

import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["REQUEST_ID", "with_edge_headers"]

REQUEST_ID = "lib_web.request_id"
# What a caller may choose as its request id: nothing that could break a header or hide in a log line.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# A reply that has one of these keeps its own.
_SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ("Cache-Control", "no-store"),
)
_SECURITY_NAMES = frozenset(name.lower() for name, _ in _SECURITY_HEADERS)

Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def with_edge_headers(wsgi_app: Wsgi) -> Wsgi:
    """`wsgi_app` with a request id in its environ and the headers in its replies."""

    def edge(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(16)
        environ[REQUEST_ID] = request_id

        def start(status: str, headers: Headers, exc_info: object = None) -> Any:  # noqa: ANN401 - WSGI's write
            missing = _missing({name.lower() for name, _ in headers})
            return start_response(status, [*headers, ("X-Request-Id", request_id), *missing], exc_info)

        return wsgi_app(environ, start)

    return edge


def _missing(present: set[str]) -> Iterable[tuple[str, str]]:
    if present.isdisjoint(_SECURITY_NAMES):
        return _SECURITY_HEADERS
    missing = [(name, value) for name, value in _SECURITY_HEADERS if name.lower() not in present]
    if "cache-control" in present and "content-encoding" not in present:
        # A cache may keep this one, and another client may get it compressed.
        missing.append(("Vary", "Accept-Encoding"))
    return missing
