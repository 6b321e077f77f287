"""What every server needs to know of the program that it runs, and what each of its processes does alike."""

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from lib_web.metrics import measure_as
from lib_web.readiness import announce_end
from lib_web.workers import Worker, start_as

__all__ = ["GRACEFUL_TIMEOUT_S", "KEEPALIVE_S", "Program", "share_memory"]

# Seconds. Longer than any proxy in front keeps its idle connections, so that it is the proxy that closes
# them: a proxy that sends on a connection we are closing sees a reset.
KEEPALIVE_S = 75
# Seconds in which running requests may finish after SIGTERM.
GRACEFUL_TIMEOUT_S = 10

Hook = Callable[[Flask, Worker], None]
_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8


@dataclass(frozen=True, slots=True)
class Program:
    """The app, its workers' number and common folder, and what is to be done when one starts or stops."""

    app: Flask
    folder: Path
    workers: int
    threads: int
    drain_s: float
    on_worker_start: Hook | None
    on_worker_stop: Hook | None

    def start_worker(self, number: int, master: int) -> Worker:
        """First thing in a new worker's process, forked from the process `master`."""
        _die_with(master)
        worker = start_as(Worker(number, self.folder), self.app)
        measure_as(worker)
        if self.on_worker_start is not None:
            self.on_worker_start(self.app, worker)
        return worker

    def stop_worker(self, worker: Worker) -> None:
        """After a worker's last request."""
        if self.on_worker_stop is not None:
            self.on_worker_stop(self.app, worker)

    def drain(self) -> None:
        """In the master, after SIGTERM: say that the end is near and let that be heard."""
        announce_end(self.folder)
        time.sleep(self.drain_s)


def share_memory() -> None:
    """In the master, before it forks: keep what it has loaded in pages that the workers need not copy.

    Python's collector writes into every object that it looks at; the C library gives each thread a heap of its own.
    """
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _die_with(master: int) -> None:
    """Ask Linux for SIGTERM when the master dies. Elsewhere the worker's own look once a second has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != master:
        # It died before the kernel knew that we wanted to hear of it.
        os.kill(os.getpid(), signal.SIGTERM)
