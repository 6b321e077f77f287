"""For developers: the service runs in a process of its own, which is started again when its code or settings change."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import structlog

__all__ = ["is_reloaded", "run_reloaded"]

LOOK_INTERVAL_S = 0.5
_MARK = "PALATE_RELOADED"
_PACKAGES = ("model_service", "lib_web", "lib_ml", "lib_version")

Stamps = dict[Path, int]

log = structlog.get_logger()


def is_reloaded() -> bool:
    """Whether this process is the service, and not the one that watches over it."""
    return os.environ.get(_MARK) == "1"


def run_reloaded(files: Sequence[Path]) -> int:
    """This same command in another process, again whenever our code or one of `files` changes, until SIGTERM or SIGINT.

    One that ended by itself, over a fault in what was just changed, is started again at the next change. Returns its
    last exit code.
    """
    ended = _told_to_end()
    stamps = _stamps(files)
    service = _start()
    while not ended:
        time.sleep(LOOK_INTERVAL_S)
        if (now := _stamps(files)) != stamps:
            log.info("reloading", changed=sorted(str(path) for path, _ in stamps.items() ^ now.items())[:10])
            stamps = now
            _stop(service)
            service = _start()
    return _stop(service)


def _told_to_end() -> list[int]:
    signals: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        signals.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return signals


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, *sys.argv], env={**os.environ, _MARK: "1"})  # noqa: S603 - ourselves


def _stop(service: "subprocess.Popen[bytes]") -> int:
    if service.poll() is None:
        service.terminate()
    return service.wait()


def _stamps(files: Sequence[Path]) -> Stamps:
    found: Stamps = {}
    for path in (*files, *_sources()):
        try:
            found[path] = path.stat().st_mtime_ns
        except OSError:
            continue
    return found


def _sources() -> Iterator[Path]:
    for name in _PACKAGES:
        spec = find_spec(name)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            yield from Path(folder).rglob("*.py")
