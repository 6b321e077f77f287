# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "granian>=2.5",
# ]
# ///
"""A floor: plain WSGI that answers a constant, on granian with two workers."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from granian import Granian
from granian.constants import Interfaces

BODY = b'{"positive":0.5}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", HEADERS)
    return [BODY]


if __name__ == "__main__":
    port = int(os.environ["BENCH_PORT"])
    Granian("bare_wsgi:app", "127.0.0.1", port, interface=Interfaces.WSGI, workers=2, log_enabled=False).serve()
