"""The supervisor as a child of ours, with whatever it starts: replaced when it dies, ended without remains."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import psutil  # type: ignore[import-untyped]  # it brings no types

from local_stack.home import Home
from local_stack.programs import ENVOY, Program, tethered
from local_stack.supervisor_config import supervisor_config

__all__ = ["Supervisor", "adopt_orphans", "end_descendants"]

_PR_SET_CHILD_SUBREAPER = 36
# The services finish running requests within 6 s, or are killed by supervisord; then it needs a moment itself.
_STOP_TIMEOUT_S = 12
# In which the programs of a new supervisor are certainly up, also on a busy machine.
_HANDOVER_S = 15


class Supervisor:
    """One supervisord that keeps the programs running."""

    def __init__(self, home: Home, programs: tuple[Program, ...]) -> None:
        self._home = home
        self._configuration = home.supervisor / "supervisord.conf"
        text = supervisor_config(home, programs, os.getpid())
        self._configuration.write_text(text, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start supervisord, and with it the programs."""
        supervisord = (sys.executable, "-m", "local_stack.prompt_supervisord")
        command = tethered("TERM", *supervisord, "--configuration", str(self._configuration))
        with self._home.log("supervisord-output").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A session of its own: Ctrl-C is for us, and we end the rest in order.
                start_new_session=True,
            )

    def wait(self) -> None:
        """Return when supervisord has ended, however; bury whatever was orphaned and ended meanwhile."""
        while self._process is not None:
            pid, status = os.waitpid(-1, 0)
            if pid == self._process.pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._process = None

    def replace(self) -> None:
        """Start another supervisord beside the programs its predecessor has left to us.

        The services share their ports, so the old ones answer until the new ones have come up, and go then. The
        gateway shares nothing, and is back in no time.
        """
        orphans = psutil.Process().children()
        for orphan in orphans:
            if _is_gateway(orphan):
                _signal_group(orphan, signal.SIGKILL)
        self.start()
        handover = threading.Timer(_HANDOVER_S, _end_groups, [orphans])
        handover.daemon = True
        handover.start()

    def stop(self) -> None:
        """End supervisord and with it all programs, gently if they will."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
        end_descendants()


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, so that none gets away."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_descendants(patience_s: float = 5) -> None:
    """Kill whatever still runs below this process and bury it."""
    deadline = time.monotonic() + patience_s
    while (left := psutil.Process().children(recursive=True)) and time.monotonic() < deadline:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=0.5)


def _is_gateway(process: psutil.Process) -> bool:
    try:
        return ENVOY in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def _end_groups(processes: list[psutil.Process]) -> None:
    for process in processes:
        _signal_group(process, signal.SIGTERM)


def _signal_group(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a keeper together with its program; supervisord gives each a group of their own."""
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        if process.is_running() and os.getpgid(process.pid) != os.getpgid(0):
            os.killpg(os.getpgid(process.pid), number)
