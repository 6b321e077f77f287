"""Real models made small: trained on some twenty reviews, published to a registry in a temporary folder."""

from pathlib import Path

import pytest
from lib_ml.manifest import DataSource, Metric
from lib_ml.registry import FolderRegistry
from lib_ml.training import PipelineParams, build_pipeline, compile_bundle

ALIAS = "sentiment/v1"
PRAISE = ("lovely food", "kind staff and a fair price", "great soup", "we will be back", "the best pasta in town")
BLAME = ("cold soup", "rude staff", "we waited an hour", "never again", "the worst pasta in town", "bland food")
WORDS_OF_V1 = {"words": {"ngrams": [1, 1]}}
WORDS_OF_V2 = {
    "negation_reach": 3,
    "words": {"ngrams": [1, 2], "weighting": "tfidf", "tag_negation": True},
    "characters": {"ngrams": [2, 5], "weighting": "tfidf"},
    "valence": {"lexicons": ["vader", "afinn"]},
}


def train_bundle(folder: Path, version: str = "v1", regularisation: float = 1.0, **features: object) -> Path:
    """A bundle in `folder`; another `regularisation` gives another model."""
    params = PipelineParams.model_validate(
        {
            "version": version,
            "classifier": {"kind": "logistic_regression", "C": regularisation},
            **(features or WORDS_OF_V1),
        }
    )
    texts = [*PRAISE * 2, *BLAME * 2]
    labels = [1] * len(PRAISE) * 2 + [0] * len(BLAME) * 2
    compile_bundle(
        build_pipeline(params).fit(texts, labels),
        params,
        folder,
        task="sentiment",
        labels=("negative", "positive"),
        data=DataSource(source="path", name="reviews.tsv", rows=len(texts), sha256="0" * 64),
        metrics={"accuracy": Metric(value=0.9, low=0.8, high=1.0)},
        texts=texts,
    )
    return folder


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Three bundles: the first model, its successor, and one with all of v2's features."""
    root = tmp_path_factory.mktemp("bundles")
    return {
        "first": train_bundle(root / "first"),
        "second": train_bundle(root / "second", regularisation=5.0),
        "rich": train_bundle(root / "rich", version="v2", **WORDS_OF_V2),
    }


@pytest.fixture
def registry(tmp_path, bundles):
    """A registry whose alias names the first bundle."""
    registry = FolderRegistry(tmp_path / "registry")
    registry.publish(bundles["first"], ALIAS)
    return registry


@pytest.fixture
def environment(tmp_path, registry):
    """The settings that a service needs, as environment variables; the port is the test's to choose."""
    key = tmp_path / "prediction.key"
    key.write_bytes(bytes(range(32)))
    return {
        "MODEL_SERVICE_REGISTRY": str(registry.root),
        "MODEL_SERVICE_ALIAS": ALIAS,
        "MODEL_SERVICE_POLL_INTERVAL_S": "0.1",
        "MODEL_SERVICE_FEEDBACK_URL": f"sqlite:///{tmp_path}/feedback.db",
        "MODEL_SERVICE_PREDICTION_KEY_FILE": str(key),
        "MODEL_SERVICE_PORT": "1",
    }


@pytest.fixture
def settings(monkeypatch, environment):
    from model_service.settings import read_settings  # noqa: PLC0415 - after the environment is set

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return read_settings()
