"""Real models made small, a registry in a temporary folder, and the service under its real server."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from lib_ml.registry import FolderRegistry
from model_service import create_app
from model_service.settings import read_settings
from small_models import ANSWERS, TEXTS, make_bundle

ALIAS = "sentiment/v1"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Folders of three bundles: a model, its successor trained on fewer texts, and one with all features."""
    root = tmp_path_factory.mktemp("bundles")
    fewer = {"texts": TEXTS[5:35], "answers": ANSWERS[5:35]}
    return {
        "first": make_bundle(root / "first").folder,
        "second": make_bundle(root / "second", **fewer).folder,
        "rich": make_bundle(root / "rich", "v2").folder,
    }


@pytest.fixture
def registry(tmp_path, bundles):
    """A registry whose alias names the first bundle."""
    registry = FolderRegistry(tmp_path / "registry")
    registry.publish(bundles["first"], ALIAS)
    return registry


@pytest.fixture
def environment(tmp_path, registry):
    """What the service needs in its environment."""
    return environment_in(tmp_path, registry)


def environment_in(folder: Path, registry: FolderRegistry) -> dict[str, str]:
    """Settings of a service that keeps its state in `folder`."""
    key = folder / "prediction.key"
    key.write_bytes(bytes(range(32)))
    return {
        "MODEL_SERVICE_PORT": str(free_port()),
        "MODEL_SERVICE_REGISTRY": str(registry.root),
        "MODEL_SERVICE_ALIAS": ALIAS,
        "MODEL_SERVICE_POLL_INTERVAL_S": "0.1",
        "MODEL_SERVICE_FEEDBACK_URL": f"sqlite:///{folder}/feedback.db",
        "MODEL_SERVICE_PREDICTION_KEY_FILE": str(key),
        "MODEL_SERVICE_THREADS": "4",
    }


@pytest.fixture
def settings(monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return read_settings()


@pytest.fixture
def app(settings):
    return create_app(settings)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def watcher(app):
    """The watcher of `app`; `look()` stands for one interval."""
    return app.extensions["model_service.watcher"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Service:
    """model-service as an operator starts it; `pid` is the master's."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = int(environment["MODEL_SERVICE_PORT"])
        self.log = log
        self._stream = log.open("ab")
        program = Path(sys.executable).with_name("model-service")
        everything = os.environ | environment
        self.process = subprocess.Popen([program], env=everything, stdout=self._stream, stderr=self._stream)

    def ask(self, method: str, path: str, body: object = None, headers=None, timeout: float = 10):
        """One request on a connection of its own: (status, headers, body); a body that is no bytes goes as JSON."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, raw, JSON if headers is None else headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except http.client.IncompleteRead as cut_off:
            raise ConnectionError("the reply was cut off") from cut_off
        finally:
            connection.close()

    def post(self, path: str, body: object) -> tuple[int, dict]:
        status, _, reply = self.ask("POST", path, body)
        return status, json.loads(reply)

    def get(self, path: str) -> tuple[int, dict]:
        status, _, reply = self.ask("GET", path)
        return status, json.loads(reply)

    def send(self, raw: bytes) -> bytes:
        """Raw bytes in, all that comes back until the server closes."""
        received = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                # A refusal may close the connection before all of a long request is sent.
                pass
            try:
                while chunk := connection.recv(65_536):
                    received += chunk
            except OSError:
                pass
        return received

    def worker(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def wait_until(self, question, patience_s: float = 60):
        """Asks again until the answer is true; returns it."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            try:
                if answer := question():
                    return answer
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._stream.close()


@contextmanager
def running(environment: dict[str, str], log: Path):
    service = Service(environment, log)
    try:
        service.wait_until(lambda: service.ask("GET", "/livez")[0] == 200)
        yield service
    finally:
        service.stop()


@pytest.fixture
def service(environment, tmp_path):
    with running(environment, tmp_path / "service.log") as service:
        yield service


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory, bundles):
    """One for the tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("service")
    registry = FolderRegistry(folder / "registry")
    registry.publish(bundles["first"], ALIAS)
    with running(environment_in(folder, registry), folder / "service.log") as service:
        yield service


@pytest.fixture
def start_service(environment, tmp_path):
    """Starts one with changed settings: `with start_service(MODEL_SERVICE_ALIAS="sentiment/v2") as service`."""

    def start(**changes: str) -> AbstractContextManager[Service]:
        on_a_port_of_its_own = environment | {"MODEL_SERVICE_PORT": str(free_port())} | changes
        return running(on_a_port_of_its_own, tmp_path / f"service-{time.monotonic_ns()}.log")

    return start
