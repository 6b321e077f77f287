"""The one model that all of them serve: word counts and logistic regression, trained on the sample's reviews."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]  # it brings no types
from lib_ml.bundle import sha256_of
from lib_ml.manifest import DataSource
from lib_ml.registry import FolderRegistry
from lib_ml.training import PipelineParams, build_pipeline, compile_bundle
from sklearn.pipeline import Pipeline

__all__ = ["SAMPLE", "Trained", "train"]

SAMPLE = Path(__file__).parents[4] / "model-training" / "sample" / "reviews.tsv"
_PARAMS = PipelineParams.model_validate(
    {"version": "v1", "words": {"weighting": "counts"}, "classifier": {"kind": "logistic_regression"}}
)


@dataclass(frozen=True)
class Trained:
    """The pipeline, as a file for those who unpickle and as a published bundle for us; `texts` are its reviews."""

    folder: Path
    texts: list[str]
    pipeline: Any
    alias: str = "sentiment/v1"

    @property
    def pipeline_file(self) -> Path:
        return self.folder / "pipeline.joblib"

    @property
    def reviews_file(self) -> Path:
        return SAMPLE

    @property
    def registry(self) -> Path:
        return self.folder / "registry"

    @property
    def prediction_key(self) -> Path:
        return self.folder / "prediction.key"


def train(folder: Path) -> Trained:
    """Fit on all reviews and write everything into `folder`."""
    rows = [line.rsplit("\t", 1) for line in SAMPLE.read_text(encoding="utf-8").splitlines()[1:]]
    texts, labels = [text for text, _ in rows], [int(liked) for _, liked in rows]
    fitted = build_pipeline(_PARAMS).fit(texts, labels)
    trained = Trained(folder, texts, _lean(fitted))
    joblib.dump(trained.pipeline, trained.pipeline_file)
    trained.prediction_key.write_bytes(secrets.token_bytes(32))
    trained.prediction_key.chmod(0o600)
    data = DataSource(source="sample", name=SAMPLE.name, rows=len(rows), sha256=sha256_of(SAMPLE.read_bytes()))
    compile_bundle(
        fitted,
        _PARAMS,
        folder / "bundle",
        task="sentiment",
        labels=("negative", "positive"),
        texts=texts,
        data=data,
        metrics={},
    )
    FolderRegistry(trained.registry).publish(folder / "bundle", trained.alias)
    return trained


def _lean(fitted: Pipeline) -> Pipeline:
    """The same fitted parts without the union of feature blocks, which costs sklearn more than the one block in it."""
    [(_, vectorizer)] = fitted.named_steps["features"].transformer_list
    return Pipeline([("vectorizer", vectorizer), ("classifier", fitted.named_steps["classifier"])])
