"""A request whose body is read whole or refused.

werkzeug's own stream stops at MAX_CONTENT_LENGTH without an error when a body comes in chunks, so that a view
would see its beginning as if it were all of it; and it takes a client that stalls for one that left.
"""

from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout
from werkzeug.utils import cached_property

__all__ = ["BoundedRequest"]


class BoundedRequest(Request):
    """Raises on the first look at the body: 413 over the limit, 400 when cut off, 408 when it stalls."""

    @cached_property
    def stream(self) -> IO[bytes]:
        length, limit = self.content_length, self.max_content_length
        if length is not None and limit is not None and length > limit:
            raise RequestEntityTooLarge
        if length is None and "wsgi.input_terminated" not in self.environ:
            return BytesIO()
        body = self._read(length, limit)
        if limit is not None and len(body) > limit:
            raise RequestEntityTooLarge
        if length is not None and len(body) < length:
            raise ClientDisconnected
        return BytesIO(body)

    def _read(self, length: int | None, limit: int | None) -> bytes:
        most = length if length is not None else -1 if limit is None else limit + 1
        try:
            body: bytes = self.environ["wsgi.input"].read(most)
        except BlockingIOError:
            # The server's socket has a receive timeout; the rest never came.
            raise RequestTimeout("The rest of the body did not arrive in time.") from None
        except OSError:
            raise ClientDisconnected from None
        return body
