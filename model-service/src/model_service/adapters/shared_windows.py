"""The callers' moving windows, shared by all workers of this machine: LMDB in the workers' common folder in memory.

LMDB because its writers exclude each other over processes, one that is killed leaves no lock behind, and a write that
was not finished has not happened. `limits` takes it as a storage, under the scheme palate-windows://<folder>.
"""

from itertools import islice
from pathlib import Path
from time import monotonic, time

import lmdb
from limits.storage import MovingWindowSupport, Storage

from model_service.domain.rate_limit import MovingWindow

__all__ = ["MovingWindowsAlone", "SharedWindows"]

# 10,000 windows take some 7 MB.
MAX_CALLERS = 10_000
_MAP_BYTES = 32 << 20
_MAX_READERS = 512
_LOOKED_AT = 20


class MovingWindowsAlone(Storage, MovingWindowSupport):
    """A storage for the moving-window strategy; `limits` wants the other strategies' methods named."""

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("only moving windows are kept here")

    def get(self, key: str) -> int:
        raise NotImplementedError("only moving windows are kept here")

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError("only moving windows are kept here")


class SharedWindows(MovingWindowsAlone):
    """One object a process for each folder. Keeps 10,000 callers; then a new one takes the place of an old one."""

    STORAGE_SCHEME = ["palate-windows"]  # noqa: RUF012 - as limits declares it
    base_exceptions = lmdb.Error

    def __init__(self, uri: str, wrap_exceptions: bool = False, **_options: float | str | bool) -> None:  # noqa: FBT001, FBT002 - limits' signature
        super().__init__(uri, wrap_exceptions)
        folder = Path(uri.partition("://")[2])
        # No sync: the folder is in memory and ends with the program. No writemap: with it, memory that is
        # missing would end the process instead of raising an error.
        self._windows = lmdb.open(str(folder), map_size=_MAP_BYTES, sync=False, max_readers=_MAX_READERS)
        self._all = self._windows.open_db()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """See limits."""
        name = key.encode()
        with self._windows.begin(write=True) as transaction:
            record = transaction.get(name)
            # The clock only now: whoever waited for the lock comes after the one who had it.
            window = MovingWindow(expiry, record, monotonic())
            if not window.hit(limit, amount):
                transaction.abort()
                return False
            if record is None and transaction.stat(self._all)["entries"] >= MAX_CALLERS:
                _make_room(transaction, name)
            transaction.put(name, window.record)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - limits' signature
        """See limits."""
        with self._windows.begin() as transaction:
            record = transaction.get(key.encode())
        now_s = monotonic()
        window = MovingWindow(expiry, record, now_s)
        return time() + window.oldest_leaves_s() - now_s - expiry, window.hits

    def check(self) -> bool:
        """See limits."""
        return bool(self._windows.stat())

    def reset(self) -> int:
        """See limits."""
        with self._windows.begin(write=True) as transaction:
            dropped: int = transaction.stat(self._all)["entries"]
            transaction.drop(self._all, delete=False)
        return dropped

    def clear(self, key: str) -> None:
        """See limits."""
        with self._windows.begin(write=True) as transaction:
            transaction.delete(key.encode())

    def close(self) -> None:
        self._windows.close()


def _make_room(transaction: lmdb.Transaction, name: bytes) -> None:
    """Drop the caller who was quiet the longest, of a few that stand where the new one will."""
    with transaction.cursor() as cursor:
        after = cursor.iternext() if cursor.set_range(name) else iter(())
        near = list(islice(after, _LOOKED_AT))
        cursor.first()
        near += islice(cursor.iternext(), _LOOKED_AT - len(near))
    transaction.delete(min(near, key=lambda each: MovingWindow.last_hit_s(bytes(each[1])))[0])
