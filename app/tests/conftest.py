"""Real parts made small: models of some thirty reviews, model-services and apps as processes on free ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from flask import Flask
from lib_ml.manifest import DataSource, Metric
from lib_ml.registry import FolderRegistry
from lib_ml.training import PipelineParams, build_pipeline, compile_bundle
from review_app.adapters.database import migrate, open_database
from review_app.factory import close, create_app
from review_app.settings import Settings

PROGRAMS = Path(sys.executable).parent
START_TIMEOUT_S = 60
PRAISE = (
    "delicious food and friendly staff",
    "lovely soup, great service",
    "the best pasta in town, delicious",
    "a wonderful evening, great wine",
    "fair prices and a friendly welcome",
)
BLAME = (
    "cold soup and rude staff",
    "terrible service, we waited an hour",
    "the worst pasta in town, bland and cold",
    "an awful evening, the wine was sour",
    "never again, rude and terrible",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def train_bundle(folder: Path, version: str, rows: int = 20) -> Path:
    params = PipelineParams.model_validate(
        {"version": version, "words": {"ngrams": [1, 1]}, "classifier": {"kind": "logistic_regression", "C": 3.0}}
    )
    texts, labels = [*PRAISE * 2, *BLAME * 2], [1] * len(PRAISE) * 2 + [0] * len(BLAME) * 2
    compile_bundle(
        build_pipeline(params).fit(texts, labels),
        params,
        folder,
        task="sentiment",
        labels=("negative", "positive"),
        data=DataSource(source="path", name="small-reviews.tsv", rows=rows, sha256="ab" * 32),
        metrics={"accuracy": Metric(value=0.9, low=0.8, high=0.95)},
        texts=texts,
    )
    return folder


@dataclass
class Program:
    """A running program of ours; `restart` starts it again on the same port after it was ended."""

    url: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    process: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """kill -9 of the whole program, workers included."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def restart(self) -> None:
        self.process = self.start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        until = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"not ready in {START_TIMEOUT_S} s: {self.log.read_text()[-2000:]}")


@contextmanager
def running(
    program: str, environment: dict[str, str], log: Path, *, port: int | None = None, **how: object
) -> Iterator[Program]:
    """`program` on a free port until the block ends. `environment` names settings; {port} stands for the port."""
    port = port or free_port()
    settings = {name: value.format(port=port) for name, value in environment.items()}

    def start() -> "subprocess.Popen[bytes]":
        with log.open("ab") as output:
            return subprocess.Popen(
                [PROGRAMS / program],
                env={**os.environ, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **how,
            )

    running_program = Program(f"http://127.0.0.1:{port}", start, start(), log)
    try:
        running_program.wait_until_ready()
        yield running_program
    finally:
        running_program.stop()


def model_service_environment(folder: Path, version: str) -> dict[str, str]:
    return {
        "MODEL_SERVICE_PORT": "{port}",
        "MODEL_SERVICE_REGISTRY": str(folder / "registry"),
        "MODEL_SERVICE_ALIAS": f"sentiment/{version}",
        "MODEL_SERVICE_POLL_INTERVAL_S": "0.2",
        "MODEL_SERVICE_FEEDBACK_URL": f"sqlite:///{folder}/feedback-{version}.db",
        "MODEL_SERVICE_PREDICTION_KEY_FILE": str(folder / "prediction.key"),
    }


def app_environment(store_url: str, release: str, model_url: str) -> dict[str, str]:
    return {
        "APP_PORT": "{port}",
        "APP_RELEASE": release,
        "APP_MODEL_SERVICE_URL": model_url,
        "APP_STORE_URL": store_url,
    }


def migrated_store(folder: Path) -> str:
    url = f"sqlite:///{folder}/palate.db"
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def platform_folder(tmp_path_factory):
    """A registry with a small model for each release, and the key that the model-services share."""
    folder = tmp_path_factory.mktemp("platform")
    (folder / "prediction.key").write_bytes(bytes(range(32)))
    registry = FolderRegistry(folder / "registry")
    for version in ("v1", "v2"):
        registry.publish(train_bundle(folder / version, version), f"sentiment/{version}")
    return folder


@pytest.fixture(scope="session")
def model_services(platform_folder):
    """A model-service process for each release."""
    with ExitStack() as stack:
        yield {
            version: stack.enter_context(
                running(
                    "model-service",
                    model_service_environment(platform_folder, version),
                    platform_folder / f"model-service-{version}.log",
                )
            )
            for version in ("v1", "v2")
        }


@pytest.fixture(scope="session")
def releases(platform_folder, model_services):
    """An app process for each release, on one store, each with its own model-service."""
    store_url = migrated_store(platform_folder)
    with ExitStack() as stack:
        yield {
            release: stack.enter_context(
                running(
                    "review-app",
                    app_environment(store_url, release, model_services[release].url),
                    platform_folder / f"app-{release}.log",
                )
            )
            for release in ("v1", "v2")
        }


@pytest.fixture
def store_url(tmp_path):
    return migrated_store(tmp_path)


@pytest.fixture
def make_app(store_url):
    """Makes an app in this process; settings that the test is about go in by name."""

    made = []

    def make(model_url: str = "http://127.0.0.1:9", **settings: object) -> Flask:
        given = {"port": 1, "release": "v1", "store_url": store_url, "model_service_url": model_url, **settings}
        made.append(create_app(Settings.model_validate(given)))
        return made[-1]

    yield make
    for app in made:
        close(app)


@pytest.fixture
def client(make_app, model_services):
    """The v1 app with a real model-service behind it."""
    return make_app(model_services["v1"].url).test_client()


@pytest.fixture(scope="session")
def run_program():
    """`running`, for tests that end and restart programs of their own."""
    return running


@pytest.fixture(scope="session")
def environments():
    """The settings of a model-service and of an app."""
    return {"model-service": model_service_environment, "app": app_environment}


@pytest.fixture(scope="session")
def train_model():
    """Trains a small bundle; `rows` is what it says of its data."""
    return train_bundle
