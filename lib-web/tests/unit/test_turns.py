import threading
from collections.abc import Iterator
from io import BytesIO

from lib_web.server.turns import Turns


def taken(turns: Turns) -> bool:
    """Whether another thread could not have a turn now."""
    other = threading.Thread(target=lambda: turns.__enter__() or turns.__exit__(None, None, None))
    other.daemon = True
    other.start()
    other.join(0.1)
    return other.is_alive()


def test_a_turn_is_held_while_the_app_works_and_not_while_it_reads_or_is_read():
    turns = Turns(1)
    seen = {}

    class Awaited(BytesIO):
        def read(self, size: int = -1) -> bytes:
            seen["reading"] = taken(turns)
            return super().read(size)

    def app(environ: dict, _start_response: object) -> Iterator[bytes]:
        seen["body"] = environ["wsgi.input"].read()
        seen["working"] = taken(turns)

        def reply() -> Iterator[bytes]:
            seen["making a piece"] = taken(turns)
            yield b"a piece"

        return reply()

    pieces = turns.wrap(app)({"wsgi.input": Awaited(b"a body")}, lambda *_: None)
    assert next(pieces) == b"a piece"
    seen["the client takes it"] = taken(turns)
    assert seen == {
        "reading": False,
        "body": b"a body",
        "working": True,
        "making a piece": True,
        "the client takes it": False,
    }


def test_a_turn_comes_back_when_the_app_fails_and_a_body_is_closed_once_it_was_sent():
    turns = Turns(1)
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            raise ValueError

        def close(self) -> None:
            closed.append(True)

    pieces = turns.each(Body())
    assert next(pieces) == b"a"
    try:
        next(pieces)
    except ValueError:
        closed.append(not taken(turns))
    assert closed == [True, True]
