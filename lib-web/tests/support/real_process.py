"""A program of ours as an operator starts it: a process of its own, on a free port, over real sockets."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

PROGRAMS = Path(sys.executable).parent
JSON = {"Content-Type": "application/json"}
NEVER_LENT = range(10_000, 20_000)  # below Linux's ip_local_port_range; the stack's tests take those above
PATIENCE_S = 60
STOP_TIMEOUT_S = 20
Answer = TypeVar("Answer")


def free_port() -> int:
    """A port that stays free until the program has it.

    One the system picks would come from those it lends to outgoing connections, and it may lend it again at once.
    """
    for port in random.SystemRandom().sample(NEVER_LENT, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"100 of the ports {NEVER_LENT} are taken")


def resident_kib(pid: int) -> int:
    """The memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


class RealProcess:
    """A started program; `pid` is the master's. {port} in a setting stands for the port."""

    def __init__(
        self,
        program: str,
        settings: Mapping[str, str],
        log: Path,
        *,
        arguments: Sequence[str | Path] = (),
        port: int | None = None,
        ready_at: str = "/readyz",
        preexec_fn: Callable[[], None] | None = None,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._command = [PROGRAMS / program, *arguments]
        self._environment = os.environ | {name: value.format(port=self.port) for name, value in settings.items()}
        self._ready_at = ready_at
        self._preexec_fn = preexec_fn
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as output:
            return subprocess.Popen(
                self._command,
                env=self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=self._preexec_fn,  # noqa: PLW1509 - for setrlimit and its like, which take no lock
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def workers(self) -> list[int]:
        """The workers' pids."""
        return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def worker(self) -> int:
        """The pid of one worker; 0 while there is none."""
        return next(iter(self.workers()), 0)

    def wait_until(self, question: Callable[[], Answer]) -> Answer:
        """Asks again until the answer is true; returns it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
            with suppress(OSError):
                if answer := question():
                    return answer
            time.sleep(0.02)
        raise RuntimeError(f"not within {PATIENCE_S} s: {self.log.read_text()[-2000:]}")

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: self.ask("GET", self._ready_at, timeout_s=5)[0] == 200)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = JSON, timeout_s: float = 10
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One request on a connection of its own: (status, headers, body); a body that is no bytes goes as JSON."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, raw, dict(headers))
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except http.client.IncompleteRead as cut_off:
            raise ConnectionError("the reply was cut off") from cut_off
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        status, _, reply = self.ask("GET", path)
        return status, json.loads(reply)

    def post(self, path: str, body: object) -> tuple[int, Any]:
        status, _, reply = self.ask("POST", path, body)
        return status, json.loads(reply)

    def send(self, raw: bytes, *, then_close: bool = False) -> bytes:
        """Raw bytes in, all that comes back until the server closes or has said nothing more for a while.

        `then_close`: our side is closed after them.
        """
        received = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as connection:
            with suppress(OSError):  # a refusal may close the connection before all of a long request is sent
                connection.sendall(raw)
                if then_close:
                    connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while chunk := _next(connection, patient=not received):
                    received += chunk
        return received

    def lines(self) -> list[dict[str, Any]]:
        """The log so far; every line must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def kill(self) -> None:
        """kill -9 of the whole program, workers included."""
        os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        """Starts it again on the same port, after it was ended."""
        self.process = self._start()
        self.wait_until_ready()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()


def _next(connection: socket.socket, *, patient: bool) -> bytes:
    connection.settimeout(15 if patient else 0.5)
    try:
        return connection.recv(65_536)
    except TimeoutError:
        if patient:
            raise
        return b""


@contextmanager
def running(program: str, settings: Mapping[str, str], log: Path, **how: Any) -> Iterator[RealProcess]:  # noqa: ANN401 - as RealProcess takes it
    """`program` from its being ready until the block ends."""
    process = RealProcess(program, settings, log, **how)
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.stop()
