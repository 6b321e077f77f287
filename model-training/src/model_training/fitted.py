"""A fitted pipeline between two stages: a pickle, for this pipeline's own stages only. No service ever loads one."""

from pathlib import Path

import joblib  # type: ignore[import-untyped]  # joblib publishes no types
from sklearn.pipeline import Pipeline

from model_training.whole_files import whole_file


def save_pipeline(pipeline: Pipeline, path: Path) -> None:
    with whole_file(path) as partial:
        joblib.dump(pipeline, partial, compress=3)


def load_pipeline(path: Path) -> Pipeline:
    return joblib.load(path)
