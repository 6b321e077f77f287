"""How many requests are worked on at a time, however many wait for their clients.

A client may stop in the middle of its request. If the thread that waits for the rest were one of the few that work, a
handful of such clients would stop everybody else's requests. So the servers may start more threads than work at a time:
a request has a turn while the app works on it, and none while the rest of its body is awaited.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Any

__all__ = ["WAITING", "Turns"]

# How many requests of a worker may wait for their clients; each holds a thread, for some seconds.
WAITING = 512

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Turns:
    """`number` turns; `with turns:` has one. A queue hands them on: a semaphore of Python's takes ten times as long."""

    __slots__ = ("_free", "give", "take")

    def __init__(self, number: int) -> None:
        self._free = SimpleQueue[None]()
        for _ in range(number):
            self._free.put(None)
        self.take = self._free.get
        self.give: Callable[[None], None] = self._free.put

    def __enter__(self) -> None:
        self.take()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.give(None)

    def each(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """`pieces`, each made in a turn; none is held while the client takes one."""
        made = iter(pieces)
        try:
            with suppress(StopIteration):
                while True:
                    with self:
                        piece = next(made)
                    yield piece
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    def wrap(self, wsgi_app: Wsgi) -> Wsgi:
        """`wsgi_app`, working in turns."""

        def in_turn(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            environ["wsgi.input"] = _Input(environ["wsgi.input"], self)
            with self:
                reply = wsgi_app(environ, start_response)
            return reply if isinstance(reply, list) else self.each(reply)

        return in_turn


class _Input:
    """A request's body, whose reader gives its turn away while it waits."""

    __slots__ = ("_body", "_turns")

    def __init__(self, body: Any, turns: Turns) -> None:  # noqa: ANN401 - any stream of WSGI's
        self._body = body
        self._turns = turns

    def read(self, size: int = -1) -> bytes:
        self._turns.give(None)
        try:
            data: bytes = self._body.read(size)
        finally:
            self._turns.take()
        return data
