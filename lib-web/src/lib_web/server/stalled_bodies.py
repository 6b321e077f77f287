"""Request bodies whose rest never comes, under granian.

granian waits for a body without an end, so a handful of clients that stop in the middle would hold every thread for
ever. It also does not say which connection a request came by. So a thread of ours looks once a second whether a read
takes too long, and shuts the receiving side of each connection that has brought nothing for that long since it was last
answered: the read ends, and the reply (408) still goes out. It holds back while another request is being answered for
long, whose connection would look the same.
"""

import os
import socket
import struct
import threading
from contextlib import suppress
from time import monotonic
from typing import Any

import structlog

from lib_web.server.listener import RECEIVE_TIMEOUT_S
from lib_web.server.turns import Turns

__all__ = ["Body", "Requests"]

# Bytes of a refused body that are read and dropped, so that its connection stays good for the next request; beyond them
# the connection is closed. More than the gateway lets through: it would send another visitor's request on such a one.
DROPPED_BODY_BYTES = 2 << 20
_LOOK_S = 1.0
_PIECE_BYTES = 65_536
_ESTABLISHED = 1
# struct tcp_info: state, then milliseconds since data was last sent and last received.
_TCP_INFO = struct.Struct("=B43xI4xI")

log = structlog.get_logger()


class Requests:
    """The requests that are being answered, by thread: since when, and since when their body is being read.

    Each has a turn, but while its body is being read.
    """

    def __init__(self, port: int, turns: Turns) -> None:
        self._port = port
        self._turns = turns
        self._answering: dict[int, float] = {}
        self._reading: dict[int, float] = {}
        self._cut: set[int] = set()

    def watch(self) -> None:
        """Look from here on, in a thread that ends with the process."""
        threading.Thread(target=self._watch, name="stalled-bodies", daemon=True).start()

    def begin(self) -> None:
        # Waiting for a turn is answering: the connection of one that does is as silent as a stalled one's.
        self._answering[threading.get_ident()] = monotonic()
        self._turns.take()

    def end(self) -> None:
        self._turns.give(None)
        self._answering.pop(threading.get_ident(), None)

    def read(self, body: Any, size: int) -> bytes:  # noqa: ANN401 - granian brings no types
        """Up to `size` bytes of `body`. Raises BlockingIOError when they do not come."""
        me = threading.get_ident()
        self._reading[me] = monotonic()
        self._turns.give(None)
        try:
            data: bytes = body.read(size)
        finally:
            # What takes long from here on is our own work.
            self._answering[me] = monotonic()
            del self._reading[me]
            self._turns.take()
        if me in self._cut:
            self._cut.discard(me)
            raise BlockingIOError
        return data

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(_LOOK_S):
            stalled = self._stalled(monotonic())
            if stalled:
                self._cut.update(stalled)
                log.info("bodies_stalled", requests=len(stalled), connections=self._shut_silent_connections())

    def _stalled(self, now: float) -> list[int]:
        reading = dict(self._reading)
        slow = any(
            now - since > RECEIVE_TIMEOUT_S - 1 for me, since in dict(self._answering).items() if me not in reading
        )
        return [] if slow else [me for me, since in reading.items() if now - since > RECEIVE_TIMEOUT_S]

    def _shut_silent_connections(self) -> int:
        shut = 0
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers are all that is wanted
            with suppress(OSError), socket.socket(fileno=os.dup(int(name))) as connection:
                inet = connection.family in {socket.AF_INET, socket.AF_INET6}
                if inet and connection.getsockname()[1] == self._port and _is_silent(connection):
                    connection.shutdown(socket.SHUT_RD)
                    shut += 1
        return shut


def _is_silent(connection: socket.socket) -> bool:
    state, sent_ms, received_ms = _TCP_INFO.unpack(
        connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    )
    return bool(state == _ESTABLISHED and received_ms > RECEIVE_TIMEOUT_S * 1000 and sent_ms >= received_ms)


class Body:
    """A request's body as WSGI's input."""

    __slots__ = ("_body", "_left", "_requests")

    def __init__(self, body: Any, length: str | None, requests: Requests) -> None:  # noqa: ANN401 - as above
        """`length`: what the request promises; None when it comes in chunks, whose end shows as a short read."""
        self._body = body
        self._left = int(length) if length else None
        self._requests = requests

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all that are left for -1; fewer at the body's end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_PIECE_BYTES), b""))
        if self._left is not None:
            size = min(size, self._left)
        if not size:
            return b""
        data = self._requests.read(self._body, size)
        self._left = 0 if len(data) < size else None if self._left is None else self._left - size
        return data

    def drop(self) -> None:
        """Read what the app left, unless that is more than DROPPED_BODY_BYTES; after the reply."""
        if self._left is not None and self._left > DROPPED_BODY_BYTES:
            return
        dropped = 0
        with suppress(BlockingIOError):
            while self._left != 0 and dropped < DROPPED_BODY_BYTES:
                dropped += len(self.read(_PIECE_BYTES))
