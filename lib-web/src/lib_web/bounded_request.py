"""A request whose body is read whole or refused.

werkzeug's own stream stops at MAX_CONTENT_LENGTH without an error when a body comes in chunks, so that a view
would see its beginning as if it were all of it; and it takes a client that stalls for one that left.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge, RequestTimeout
from werkzeug.utils import cached_property

from lib_web.compression import CODINGS, BrokenBody, Decoder, decoder
from lib_web.problems import Problem

__all__ = ["BoundedRequest", "Limit"]

# Bytes; what a limit that depends on what is sent may look at, and what one read takes.
OPENING_BYTES = 256
_PIECE_BYTES = 65_536

Limit = Callable[[bytes], int]
"""From the first bytes of a body, decoded, to the most bytes that it may have."""


class BoundedRequest(Request):
    """Raises on the first look at the body: 413 over the limit, 400 cut off, 408 stalled, 415 unknown encoding."""

    @cached_property
    def stream(self) -> IO[bytes]:
        return BytesIO(self.read_body())

    def read_body(self, limit: Limit | None = None) -> bytes:
        """The body, decoded; once. No more is read than MAX_CONTENT_LENGTH allows, or `limit`, which is never less."""
        length, most = self.content_length, self.max_content_length
        if length is None and "wsgi.input_terminated" not in self.environ:
            return b""
        in_question = limit is not None and (length is None or most is None or length > most)
        if in_question or "HTTP_CONTENT_ENCODING" in self.environ:
            return self._read_by_pieces(length, limit)
        if length is not None and most is not None and length > most:
            raise RequestEntityTooLarge
        body = self._read(length if length is not None else -1 if most is None else most + 1)
        if most is not None and len(body) > most:
            raise RequestEntityTooLarge
        if length is not None and len(body) < length:
            raise ClientDisconnected
        return body

    def _read_by_pieces(self, length: int | None, limit: Limit | None) -> bytes:
        """As `read_body`, where the limit waits for the body's opening or the body must be decoded."""
        decode = self._decoder()
        pieces = self._pieces(length) if decode is None else _decoded(self._pieces(length), decode)
        body = bytearray()
        most = self.max_content_length
        for piece in pieces:
            body += piece
            if limit is not None and (len(body) >= OPENING_BYTES or (most is not None and len(body) > most)):
                self.max_content_length = most = limit(bytes(body[:OPENING_BYTES]))
                limit = None
                if length is not None and length > most:
                    raise RequestEntityTooLarge
            if limit is None and most is not None and len(body) > most:
                raise RequestEntityTooLarge
        return bytes(body)

    def _pieces(self, length: int | None) -> Iterator[bytes]:
        """The body as it comes; a first small piece, so that a refusal costs no more than its opening."""
        size, received = OPENING_BYTES, 0
        while length is None or received < length:
            piece = self._read(size if length is None else min(size, length - received))
            if not piece:
                break
            received += len(piece)
            size = _PIECE_BYTES
            yield piece
        if length is not None and received < length:
            raise ClientDisconnected

    def _decoder(self) -> Decoder | None:
        coding = self.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
        if coding in {"identity", ""}:
            return None
        found = decoder(coding)
        if found is None:
            raise Problem(
                415,
                "Unsupported Media Type",
                f"Send the body plain or compressed as one of {', '.join(CODINGS)}.",
                errors=[{"field": "Content-Encoding", "detail": f"Must be absent, identity, {' or '.join(CODINGS)}."}],
                headers={"Accept-Encoding": ", ".join((*CODINGS, "identity"))},
            )
        return found

    def _read(self, most: int) -> bytes:
        try:
            body: bytes = self.environ["wsgi.input"].read(most)
        except BlockingIOError:
            # The server's socket has a receive timeout; the rest never came.
            raise RequestTimeout("The rest of the body did not arrive in time.") from None
        except OSError:
            raise ClientDisconnected from None
        return body


def _decoded(pieces: Iterator[bytes], decode: Decoder) -> Iterator[bytes]:
    try:
        for piece in pieces:
            out = decode.decode(piece, _PIECE_BYTES)
            while out:
                yield out
                out = decode.decode(b"", _PIECE_BYTES)
    except BrokenBody:
        raise BadRequest("The body is not what its Content-Encoding says.") from None
    if not decode.finished:
        raise BadRequest("The body ends before its Content-Encoding does.")
