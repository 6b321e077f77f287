"""A master that forks workers, replaces those that die at once, and ends them all on SIGTERM.

For granian, whose own master gives up when a worker dies twice within seconds, lets a reload run two workers under one
number, and forks beside running threads. gunicorn brings a good one.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import NoReturn

import structlog

from lib_web.server.listener import listen
from lib_web.server.program import GRACEFUL_TIMEOUT_S, Program
from lib_web.workers import Worker

__all__ = ["Master"]

_ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_AWAITED = _ENDING | {signal.SIGCHLD}
# Seconds between two starts of workers, so that those that die at once do not take the whole processor.
_RESPAWN_PAUSE_S = 0.05
# A worker's exit code when it could not even start; the next one would fare no better.
_NOT_STARTED = 3

log = structlog.get_logger()


class Master:
    """`answer` runs in each worker, with its listening socket, until that worker was told to end by SIGTERM.

    Each number has a socket of its own on the one port, so that the kernel spreads connections evenly: from a common
    one, the worker that wakes first takes all that wait. They belong to the master, so what waits outlives a worker.
    """

    def __init__(
        self, program: Program, listener: socket.socket, answer: Callable[[Program, socket.socket], None]
    ) -> None:
        self._program = program
        address = listener.getsockname()
        self._listeners = [listener, *(listen(*address[:2]) for _ in range(program.workers - 1))]
        self._answer = answer
        self._pid = os.getpid()
        self._numbers: dict[int, int] = {}

    def run(self) -> NoReturn:
        """Returns never: exits with 0 after SIGTERM or SIGINT, 3 when a worker could not start."""
        for each in _AWAITED:
            signal.signal(each, _nothing)
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        for number in range(self._program.workers):
            self._fork(number)
        while (received := signal.sigwait(_AWAITED)) not in _ENDING:
            self._replace_the_dead()
        log.info("stopping", signal=signal.Signals(received).name)
        if received == signal.SIGTERM:
            self._program.drain()
        self._end(0)

    def _fork(self, number: int) -> None:
        pid = os.fork()
        if not pid:
            self._be_worker(number)
        self._numbers[pid] = number

    def _be_worker(self, number: int) -> NoReturn:
        worker: Worker | None = None
        code = _NOT_STARTED
        try:
            for each in _AWAITED:
                signal.signal(each, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            worker = self._program.start_worker(number, self._pid)
            log.info("worker_started", worker=number, pid=os.getpid())
            self._answer(self._program, self._only(number))
            self._program.stop_worker(worker)
            code = 0
        except BaseException as error:
            log.critical("worker_failed", worker=number, exc_info=error)
            code = 1 if worker else _NOT_STARTED
        finally:
            sys.stdout.flush()
            # Not sys.exit: the master's own clean-up is not this process's to do.
            os._exit(code)

    def _only(self, number: int) -> socket.socket:
        """The socket of `number`; the others are closed in this process."""
        for other, listener in enumerate(self._listeners):
            if other != number:
                listener.close()
        return self._listeners[number]

    def _replace_the_dead(self) -> None:
        for number, status in self._reap():
            log.error("worker_died", worker=number, **_cause(status))
            if os.waitstatus_to_exitcode(status) == _NOT_STARTED:
                self._end(_NOT_STARTED)
            time.sleep(_RESPAWN_PAUSE_S)
            self._fork(number)

    def _reap(self) -> list[tuple[int, int]]:
        """Number and status of each worker that has ended since."""
        ended = []
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            if pid in self._numbers:
                ended.append((self._numbers.pop(pid), status))
        return ended

    def _end(self, code: int) -> NoReturn:
        for listener in self._listeners:
            listener.close()
        self._tell_all(signal.SIGTERM)
        deadline = time.monotonic() + GRACEFUL_TIMEOUT_S
        while self._numbers and (left := deadline - time.monotonic()) > 0:
            signal.sigtimedwait({signal.SIGCHLD}, left)
            self._reap()
        self._tell_all(signal.SIGKILL)
        while self._numbers:
            del self._numbers[os.waitpid(-1, 0)[0]]
        log.info("stopped")
        sys.exit(code)

    def _tell_all(self, number: signal.Signals) -> None:
        for pid in self._numbers:
            os.kill(pid, number)


def _nothing(_number: int, _frame: object) -> None:
    """A signal that is waited for must not be ignored."""


def _cause(status: int) -> dict[str, int | str]:
    code = os.waitstatus_to_exitcode(status)
    return {"exit_code": code} if code >= 0 else {"signal": signal.Signals(-code).name}
