"""Real parts made small: models of forty reviews, model-services and apps as processes on free ports."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from lib_ml.manifest import DataSource, Metric
from lib_ml.registry import FolderRegistry
from real_process import running
from review_app.adapters.database import open_database
from review_app.adapters.migration import migrate
from review_app.factory import close, create_app
from review_app.settings import Settings
from small_models import TEXTS, make_bundle, make_moderator

APP_TOKEN, MODERATOR_TOKEN = "the-apps-own-token", "the-moderators-token"  # as long as a real one must be


def train_bundle(folder: Path, version: str, rows: int = len(TEXTS)) -> Path:
    data = DataSource(source="path", name="small-reviews.tsv", rows=rows, sha256="ab" * 32)
    metrics = {"accuracy": Metric(value=0.9, low=0.8, high=0.95)}
    return make_bundle(folder, version=version, data=data, metrics=metrics).folder


def model_service_environment(folder: Path, version: str) -> dict[str, str]:
    return {
        "MODEL_SERVICE_PORT": "{port}",
        "MODEL_SERVICE_REGISTRY": str(folder / "registry"),
        "MODEL_SERVICE_ALIAS": f"sentiment/{version}",
        "MODEL_SERVICE_POLL_INTERVAL_S": "0.2",
        "MODEL_SERVICE_FEEDBACK_URL": f"sqlite:///{folder}/feedback-{version}.db",
        "MODEL_SERVICE_PREDICTION_KEY_FILE": str(folder / "prediction.key"),
        "MODEL_SERVICE_STATE_FOLDER": str(folder / f"state-{version}"),
        "MODEL_SERVICE_AUTH__TOKENS_FILE": str(folder / "tokens"),
    }


def app_environment(store_url: str, release: str, model_url: str) -> dict[str, str]:
    return {
        "APP_PORT": "{port}",
        "APP_RELEASE": release,
        "APP_MODEL_SERVICE_URL": model_url,
        "APP_STORE_URL": store_url,
    }


def moderated(folder: Path) -> dict[str, str]:
    """The settings of an app with the tokens in `folder`."""
    return {
        "APP_MODEL_SERVICE_TOKEN_FILE": str(folder / "app.token"),
        "APP_MODERATOR_TOKEN_FILE": str(folder / "moderator.token"),
    }


def write_secrets(folder: Path) -> None:
    """The key that the model-services share, and the tokens."""
    secrets = {
        "prediction.key": bytes(range(32)),
        "tokens": f"app: {APP_TOKEN}\n".encode(),
        "app.token": APP_TOKEN.encode(),
        "moderator.token": MODERATOR_TOKEN.encode(),
    }
    for name, content in secrets.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)


def migrated_store(folder: Path) -> str:
    url = f"sqlite:///{folder}/palate.db"
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def platform_folder(tmp_path_factory):
    """A registry with a small model for each release and one that moderates, and what the programs keep secret."""
    folder = tmp_path_factory.mktemp("platform")
    write_secrets(folder)
    registry = FolderRegistry(folder / "registry")
    registry.publish(make_moderator(folder / "moderation").folder, "moderation/v1")
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
                    app_environment(store_url, release, model_services[release].url) | moderated(platform_folder),
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
def client(make_app, model_services, platform_folder):
    """The v1 app with a real model-service behind it."""
    return make_app(
        model_services["v1"].url,
        model_service_token_file=platform_folder / "app.token",
        moderator_token_file=platform_folder / "moderator.token",
    ).test_client()


@pytest.fixture(scope="session")
def environments():
    """The settings of a model-service and of an app."""
    return {"model-service": model_service_environment, "app": app_environment}


@pytest.fixture(scope="session")
def train_model():
    """Trains a small bundle; `rows` is what it says of its data."""
    return train_bundle
