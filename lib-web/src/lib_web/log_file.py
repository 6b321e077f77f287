"""A log file that rotates, written by several processes at once without a line lost or torn.

Every line is one write to a descriptor in append mode, which the kernel does not mix with others. Whoever finds that a
line would make the file too long renames it to `.1`, `.1` to `.2` and so on, under a lock on the folder; the others see
at their next line that the name leads to another file, and follow. No thread waits for a line of another one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["RotatingFile"]


class RotatingFile:
    """Appends lines to `path`, at most `max_bytes` of them in one file, and keeps the `backups` files before it.

    Raises OSError when the file can't be opened. On a full disk the line that fills it may be cut.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        if backups < 1:
            raise ValueError("another process may still write to the file before: at least one backup is kept")
        self._path = path
        self._name = os.fspath(path)
        self._max_bytes = max_bytes
        self._backups = backups
        self._descriptor = self._open()
        self._inode = os.fstat(self._descriptor).st_ino

    def write(self, line: bytes) -> None:
        """Raises OSError when the line could not be written."""
        try:
            found = os.stat(self._name)  # noqa: PTH116 - a third of the time that Path.stat takes
        except FileNotFoundError:
            self._follow()
        else:
            if found.st_ino != self._inode:
                self._follow()
            if found.st_size + len(line) > self._max_bytes and found.st_size:
                self._rotate(len(line))
        os.write(self._descriptor, line)

    def flush(self) -> None:
        """Nothing is held back."""

    def _open(self) -> int:
        return os.open(self._name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _follow(self) -> None:
        """Continue with the file that has the name now; the descriptor keeps its number, for threads that hold it."""
        new = self._open()
        try:
            os.dup2(new, self._descriptor, inheritable=False)
            self._inode = os.fstat(self._descriptor).st_ino
        finally:
            os.close(new)

    def _rotate(self, more: int) -> None:
        with self._locked():
            size = self._path.stat().st_size if self._path.exists() else 0
            if size + more > self._max_bytes:  # else another one has just done it
                for number in range(self._backups - 1, 0, -1):
                    if (older := self._backup(number)).exists():
                        older.replace(self._backup(number + 1))
                self._path.replace(self._backup(1))
            self._follow()

    def _backup(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
