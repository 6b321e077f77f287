"""Counts kept through restarts in LMDB, on this machine's disk; several workers and programs may share the file.

key    first byte of the window's name · number of the window, 4 bytes · writer, 8 bytes · subject in UTF-8
value  the counts as JSON
"""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import lmdb
from pydantic_core import from_json, to_json

from model_service.domain.statistics import CountsNotStored, Row, Window

__all__ = ["LmdbCounts"]

# Address space, not memory: a row takes some 100 bytes.
_MAP_BYTES = 256 << 20
_MAX_READERS = 512
_WINDOW_BYTES, _NUMBER_BYTES, _WRITER_BYTES = 1, 4, 8
_NUMBER_END = _WINDOW_BYTES + _NUMBER_BYTES
_WRITER_END = _NUMBER_END + _WRITER_BYTES
# Rows dropped in one go: the next second goes on.
_FORGOTTEN_AT_ONCE = 1_000

F = TypeVar("F", bound=Callable[..., Any])


def _translated(method: F) -> F:
    @wraps(method)
    def translate(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the method takes
        try:
            return method(*args, **kwargs)
        except lmdb.Error as error:
            raise CountsNotStored(str(error)) from error

    return translate  # type: ignore[return-value]  # the same signature


class LmdbCounts:
    """A CountStore in one folder. One object a process for each folder."""

    @_translated
    def __init__(self, folder: Path) -> None:
        # Without metasync a power cut may cost the last second, never the file.
        self._store = lmdb.open(str(folder), map_size=_MAP_BYTES, metasync=False, max_readers=_MAX_READERS)
        # Readers that were killed would keep old pages from being used again.
        self._store.reader_check()

    @_translated
    def put(self, rows: Iterable[Row]) -> None:
        """See CountStore."""
        with self._store.begin(write=True) as transaction:
            for row in rows:
                transaction.put(_key(row), to_json(row.counts))

    @_translated
    def rows(self, window: Window, first: int, last: int, subject: str = "") -> list[Row]:
        """See CountStore."""
        with self._store.begin() as transaction, transaction.cursor() as cursor:
            rows = (_row(window, key, cursor) for key in _keys_up_to(cursor, window, first, last + 1))
            return [row for row in rows if row.subject == subject]

    @_translated
    def forget(self, window: Window, before: int) -> None:
        """See CountStore."""
        with self._store.begin() as transaction, transaction.cursor() as cursor:
            if not any(_keys_up_to(cursor, window, 0, before)):
                return
        with self._store.begin(write=True) as transaction, transaction.cursor() as cursor:
            old = zip(range(_FORGOTTEN_AT_ONCE), _keys_up_to(cursor, window, 0, before), strict=False)
            for key in [key for _, key in old]:
                transaction.delete(key)

    def close(self) -> None:
        """See CountStore."""
        self._store.close()


def _prefix(window: Window, number: int) -> bytes:
    return window.name[:_WINDOW_BYTES].encode() + max(0, number).to_bytes(_NUMBER_BYTES, "big")


def _key(row: Row) -> bytes:
    number = row.number.to_bytes(_NUMBER_BYTES, "big")
    return row.window[:_WINDOW_BYTES].encode() + number + bytes.fromhex(row.writer) + row.subject.encode()


def _row(window: Window, key: bytes, cursor: lmdb.Cursor) -> Row:
    number = int.from_bytes(key[_WINDOW_BYTES:_NUMBER_END], "big")
    writer, subject = key[_NUMBER_END:_WRITER_END].hex(), key[_WRITER_END:].decode()
    return Row(window.name, number, writer, subject, from_json(bytes(cursor.value())))


def _keys_up_to(cursor: lmdb.Cursor, window: Window, first: int, end: int) -> Iterator[bytes]:
    """The window's keys from the number `first` to before `end`; the cursor stands on each."""
    stop = _prefix(window, end)
    found = cursor.set_range(_prefix(window, first))
    while found and (key := bytes(cursor.key())) < stop:
        yield key
        found = cursor.next()
