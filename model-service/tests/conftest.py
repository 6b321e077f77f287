"""Real models made small, a registry in a temporary folder, and the service under its real server."""

import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from lib_ml.registry import FolderRegistry
from model_service import create_app
from model_service.settings import read_settings
from real_process import RealProcess, running
from redis_server import RedisServer
from small_models import ANSWERS, TEXTS, make_bundle, make_moderator

ALIAS = "sentiment/v1"


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


@pytest.fixture(scope="session")
def moderators(tmp_path_factory):
    """Folders of two bundles with the six labels of moderation."""
    root = tmp_path_factory.mktemp("moderators")
    return {name: make_moderator(root / name, name).folder for name in ("logistic", "mlp")}


@pytest.fixture
def moderated(registry, moderators):
    """The registry, with both networks published."""
    registry.publish(moderators["logistic"], "moderation/v1")
    registry.publish(moderators["mlp"], "moderation/mlp")
    return registry


@pytest.fixture
def registry(tmp_path, bundles):
    """A registry whose alias names the first bundle."""
    registry = FolderRegistry(tmp_path / "registry")
    registry.publish(bundles["first"], ALIAS)
    return registry


@pytest.fixture
def environment(tmp_path, registry):
    """What the service needs in its environment; {port} stands for a free one."""
    return environment_in(tmp_path, registry)


def environment_in(folder: Path, registry: FolderRegistry) -> dict[str, str]:
    """Settings of a service that keeps its state in `folder`."""
    key = folder / "prediction.key"
    key.write_bytes(bytes(range(32)))
    return {
        "MODEL_SERVICE_PORT": "{port}",
        "MODEL_SERVICE_REGISTRY": str(registry.root),
        "MODEL_SERVICE_ALIAS": ALIAS,
        "MODEL_SERVICE_POLL_INTERVAL_S": "0.1",
        "MODEL_SERVICE_FEEDBACK_URL": f"sqlite:///{folder}/feedback.db",
        "MODEL_SERVICE_PREDICTION_KEY_FILE": str(key),
        "MODEL_SERVICE_STATE_FOLDER": str(folder / "state"),
        "MODEL_SERVICE_THREADS": "4",
    }


@pytest.fixture
def settings(monkeypatch, environment):
    for name, value in (environment | {"MODEL_SERVICE_PORT": "1"}).items():
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


@pytest.fixture
def service(environment, tmp_path):
    with running("model-service", environment, tmp_path / "service.log") as service:
        yield service


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory, bundles):
    """One for the tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("service")
    registry = FolderRegistry(folder / "registry")
    registry.publish(bundles["first"], ALIAS)
    with running("model-service", environment_in(folder, registry), folder / "service.log") as service:
        yield service


TOKEN = "k3J9-a-token-of-the-tests-0001"


@pytest.fixture(scope="module", params=["granian"])
def whole_service(request, tmp_path_factory, bundles, moderators):
    """The service with all it can be asked for: three models, a token, two workers; `request.param` is its server."""
    folder = tmp_path_factory.mktemp("whole")
    registry = FolderRegistry(folder / "registry")
    for bundle, alias in (
        (bundles["first"], ALIAS),
        (moderators["logistic"], "moderation/v1"),
        (moderators["mlp"], "moderation/mlp"),
    ):
        registry.publish(bundle, alias)
    (folder / "tokens.yaml").write_text(f"tests: {TOKEN}\n")
    environment = environment_in(folder, registry) | {
        "MODEL_SERVICE_AUTH__TOKENS_FILE": str(folder / "tokens.yaml"),
        "MODEL_SERVICE_SERVER": request.param,
        "MODEL_SERVICE_WORKERS": "2",
        "MODEL_SERVICE_MAX_BATCH_BYTES": "2000000",
        "MODEL_SERVICE_THREADS": "8",
    }
    with running("model-service", environment, folder / "service.log") as service:
        service.token = TOKEN
        yield service


@pytest.fixture
def start_service(environment, tmp_path):
    """Starts one with changed settings: `with start_service(MODEL_SERVICE_ALIAS="sentiment/v2") as service`."""

    def start(**changes: str) -> AbstractContextManager[RealProcess]:
        log = tmp_path / f"service-{time.monotonic_ns()}.log"
        return running("model-service", environment | changes, log, ready_at="/livez")

    return start


@pytest.fixture
def redis_server(tmp_path):
    """A real Redis, which the test may kill and start again."""
    server = RedisServer(tmp_path)
    yield server
    server.kill()
