"""A small service of our own kind, and the server that runs it in a process of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask, Response, jsonify
from lib_version import BuildInfo
from lib_web.documentation import documented
from lib_web.json_body import Body, read_json
from lib_web.logging import configure_logging
from lib_web.problems import Problem
from lib_web.server import serve
from lib_web.service import Readiness, new_service
from lib_web.text_body import text_body

BUILD = BuildInfo("greeter", "1.2.3", "abc", "2026-01-01T00:00:00Z")
MAX_BODY_BYTES = 4_000
Greeting = text_body("Greeting", max_chars=50)
JSON = {"Content-Type": "application/json"}


class Wish(Body):
    """Two fields, to see several errors at once."""

    name: str
    times: int


def create_app(*, ready: bool = True) -> Flask:
    """A greeter: one review in, its length out; and a view that fails with a review in its error."""
    app = new_service(
        "greeter",
        title="Greeter",
        description="Counts characters",
        max_body_bytes=MAX_BODY_BYTES,
        build=BUILD,
        ready=lambda: Readiness(ready, {"why": "as the test says"}),
        about=lambda: {"extra": 1},
    )

    @app.post("/greet")
    @documented(
        summary="Greet",
        tag="greeter",
        body=Greeting,
        body_example={"text": "hello"},
        problems={422: "text missing, blank or too long"},
    )
    def greet() -> Response:
        return jsonify(chars=len(read_json(Greeting).text), pid=os.getpid())

    @app.post("/wish")
    @documented(summary="Wish", body=Wish, reply=Wish)
    def wish() -> Response:
        return jsonify(read_json(Wish).model_dump())

    @app.get("/fail")
    def fail() -> Response:
        raise ValueError("the soup was cold")

    @app.get("/refuse")
    def refuse() -> Response:
        raise Problem(409, "Conflict", "Not now.", type_="/problems/busy", headers={"Retry-After": "7"})

    @app.get("/not-a-number")
    def not_a_number() -> Response:
        return jsonify(value=float("nan"))

    @app.get("/slow")
    def slow() -> Response:
        time.sleep(0.5)
        return jsonify(pid=os.getpid())

    return app


@pytest.fixture
def greeter():
    """Makes greeters."""
    return create_app


@pytest.fixture
def app():
    return create_app()


@pytest.fixture
def client(app):
    return app.test_client()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """The greeter under the real server; `pid` is the master's."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log
        self._stream = log.open("ab")
        self.process = subprocess.Popen([sys.executable, __file__, str(port)], stdout=self._stream, stderr=self._stream)
        self.pid = self.process.pid

    def ask(self, method: str, path: str, body: bytes | None = None, headers=None, timeout: float = 10):
        """One request on a connection of its own: (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except http.client.IncompleteRead as cut_off:
            raise ConnectionError("the reply was cut off") from cut_off
        finally:
            connection.close()

    def send(self, raw: bytes, *, finish: bool = True) -> bytes:
        """Raw bytes in, all that comes back until the server closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=3) as connection:
            try:
                connection.sendall(raw)
                if finish:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                # A refusal may close the connection before all of a long request is sent.
                pass
            return read_all(connection)

    def wait_until_up(self, patience_s: float = 60) -> "Server":
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            try:
                if self.ask("GET", "/livez", timeout=2)[0] == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def worker(self) -> int:
        return json.loads(self.ask("POST", "/greet", b'{"text":"a"}', JSON)[2])["pid"]

    def worker_or_none(self) -> int | None:
        """None while the one that took our request is being killed."""
        try:
            return self.worker()
        except OSError:
            return None

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._stream.close()


def read_all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except OSError:
        pass
    return received


@contextmanager
def running(port: int, log: Path):
    server = Server(port, log)
    try:
        yield server.wait_until_up()
    finally:
        server.stop()


@pytest.fixture
def server(tmp_path):
    with running(free_port(), tmp_path / "log") as server:
        yield server


@pytest.fixture
def start_server(tmp_path):
    """Starts another one: `with start_server(port) as server`."""
    return lambda port: running(port, tmp_path / f"log-{port}-{time.monotonic_ns()}")


@pytest.fixture
def make_server(tmp_path):
    """Starts one without waiting for it; the test stops it."""
    return lambda port: Server(port, tmp_path / f"log-{port}")


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One for the tests that leave it as it was."""
    with running(free_port(), tmp_path_factory.mktemp("server") / "log") as server:
        yield server


if __name__ == "__main__":
    configure_logging("greeter")
    serve(create_app, host="127.0.0.1", port=int(sys.argv[1]), threads=4)
