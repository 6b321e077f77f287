"""A network for httpcore in which a whole call, from name look-up to the last byte, shares one deadline.

httpcore's own timeouts are per read: a server that dribbles a byte at a time would never meet them.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupTimeout
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

_ends_at: ContextVar[float] = ContextVar("call_ends_at")
# getaddrinfo knows no timeout: it runs beside the caller, who may leave. More threads than needed would only pile up.
_lookups = ThreadPoolExecutor(max_workers=2, thread_name_prefix="name-lookup")


@contextmanager
def deadline(timeout_s: float) -> Iterator[None]:
    """Every network step of this thread inside the block ends within `timeout_s` seconds from now."""
    token = _ends_at.set(time.monotonic() + timeout_s)
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining_s(error: type[Exception]) -> float:
    """Seconds left; raises `error` when there are none."""
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise error("the call's deadline has passed")
    return left


class DeadlineStream(httpcore.NetworkStream):
    """A connection that looks at the caller's deadline before each step, not at when it was opened."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline rules
        return self._stream.read(max_bytes, remaining_s(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as above
        self._stream.write(buffer, remaining_s(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.NetworkStream:
        left = remaining_s(httpcore.ConnectTimeout)
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        return self._stream.get_extra_info(info)


class DeadlineNetwork(httpcore.NetworkBackend):
    """Opens TCP connections within the caller's deadline; a name with many addresses gets no more time than one."""

    def __init__(self) -> None:
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        options = list(socket_options or [])
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in _addresses(host, port):
            left = remaining_s(httpcore.ConnectTimeout)
            try:
                return DeadlineStream(self._network.connect_tcp(address, port, left, local_address, options))
            except httpcore.ConnectError as error:
                failure = error
        raise failure


def _addresses(host: str, port: int) -> list[str]:
    lookup: Future[list[Any]] = _lookups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = lookup.result(remaining_s(httpcore.ConnectTimeout))
    except LookupTimeout as error:
        lookup.cancel()
        raise httpcore.ConnectTimeout("name look-up took too long") from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return [str(entry[4][0]) for entry in found]
