"""One contender, running: started, proved to answer, weighed, and ended again."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psutil  # type: ignore[import-untyped]  # it brings no types

from serving_bench.contenders import SCRIPTS, Contender, Dialect
from serving_bench.trained import Trained

__all__ = ["Server", "running"]

_START_TIMEOUT_S = 120
_STOP_TIMEOUT_S = 15
_TOLERANCE = 1e-9


class Server:
    """`start_s`: from the command to its first right answer."""

    def __init__(self, contender: Contender, trained: Trained, port: int) -> None:
        self.contender = contender
        self.port = port
        self._trained = trained
        self._log = trained.folder / f"{port}.log"
        environment = os.environ | contender.environment(trained, port)
        command = contender.command()
        started = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own contenders
                command, env=environment, cwd=SCRIPTS, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_for_an_answer()
        self.start_s = time.perf_counter() - started

    def ask(self, dialect: Dialect, texts: Sequence[str]) -> list[float]:
        """The probabilities of "positive"; raises OSError or ValueError when there is no good answer."""
        status, body = self.post(dialect, texts)
        if status != http.client.OK:
            raise ValueError(f"{self.contender.name} answered {status}: {body[:300]!r}")
        return dialect.answers(json.loads(body))

    def post(self, dialect: Dialect, texts: Sequence[str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with_length = {"Content-Type": "application/json"}
        try:
            connection.request("POST", dialect.path, json.dumps(dialect.body(texts)), with_length)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def check(self) -> None:
        """Raises ValueError unless it gives the pipeline's own probabilities, one by one and together."""
        if not self.contender.exact:
            return
        texts = self._trained.texts[:20]
        expected: list[float] = self._trained.pipeline.predict_proba(texts)[:, 1].tolist()
        found = [self.ask(self.contender.one, [text])[0] for text in texts]
        found_together = self.ask(self.contender.many, texts) if self.contender.many else expected
        for got in (found, found_together):
            worst = max(abs(a - b) for a, b in zip(got, expected, strict=True))
            if worst > _TOLERANCE:
                raise ValueError(f"{self.contender.name} is off the pipeline's probability by {worst:.3g}")

    def cpu_s(self) -> float:
        """Processor time of all its processes so far."""
        return sum(float(times.user + times.system) for times in self._each("cpu_times"))

    def pss_bytes(self) -> int:
        """Memory of all its processes, what they share counted once."""
        return sum(int(memory.pss) for memory in self._each("memory_full_info"))

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _each(self, figure: str) -> Iterator[Any]:
        root = psutil.Process(self._process.pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                yield getattr(process, figure)()

    def _wait_for_an_answer(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with suppress(OSError, ValueError, http.client.HTTPException):
                self.ask(self.contender.one, self._trained.texts)
                return
            time.sleep(0.02)
        said = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
        self.stop()
        raise RuntimeError(f"{self.contender.name} did not answer within {_START_TIMEOUT_S} s; it said:\n{said}")


@contextmanager
def running(contenders: Sequence[Contender], trained: Trained, first_port: int) -> Iterator[list[Server]]:
    """All of them, each on a port of its own (ten apart: some open several), ended when the block is left."""
    servers: list[Server] = []
    try:
        for place, contender in enumerate(contenders):
            server = Server(contender, trained, first_port + 10 * place)
            servers.append(server)
            server.check()
        yield servers
    finally:
        for server in servers:
            server.stop()
