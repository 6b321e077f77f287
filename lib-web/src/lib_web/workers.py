"""The processes that answer: each has a number that outlives it, and they share one folder in memory."""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

__all__ = ["Worker", "shared_folder", "start_as", "worker_of"]

_EXTENSION = "lib_web.worker"
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there is ours alone


@dataclass(frozen=True, slots=True)
class Worker:
    """One of the processes that answer requests.

    `number` is 0 to workers - 1; a worker that takes a dead one's place takes its number. `folder` is in memory where
    the system has such a place, the same for all workers of a program, empty at its start and gone after its end.
    A file there that carries the number has one writer at a time, and there are never more than one for each number.
    """

    number: int
    folder: Path


def worker_of(app: Flask) -> Worker:
    """The worker that runs `app`; where no server started one (tests, a shell), number 0 with a folder of its own."""
    worker: Worker | None = app.extensions.get(_EXTENSION)
    return worker if worker is not None else start_as(_alone(), app)


def start_as(worker: Worker, app: Flask) -> Worker:
    """From here on this process runs `app` as `worker`."""
    app.extensions[_EXTENSION] = worker
    return worker


def _alone() -> Worker:
    folder = Path(tempfile.mkdtemp(prefix="palate-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Worker(0, folder)


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A new folder for the workers of this program, removed afterwards by the process that made it.

    Folders left by programs that were killed are removed too: as long as one of a program's processes lives, it holds
    the lock on its folder, which a fork inherits.
    """
    root = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    prefix = f"palate-{os.getuid()}-"
    _remove_abandoned(root, prefix)
    # Locked before it has the name by which others know it as one of ours.
    unnamed = Path(tempfile.mkdtemp(dir=root))
    lock, owner = os.open(unnamed, os.O_RDONLY), os.getpid()
    fcntl.flock(lock, fcntl.LOCK_SH)
    folder = unnamed.rename(root / (prefix + unnamed.name))
    try:
        yield folder
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(root: Path, prefix: str) -> None:
    for folder in root.glob(f"{prefix}*"):
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
