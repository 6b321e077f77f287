"""What was fitted, between two stages: a pickle, for this pipeline's own stages only. No service ever loads one."""

from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]  # joblib publishes no types

from model_training.whole_files import whole_file


def save_fitted(fitted: object, path: Path) -> None:
    with whole_file(path) as partial:
        joblib.dump(fitted, partial, compress=3)


def load_fitted(path: Path) -> Any:  # noqa: ANN401 - sklearn is untyped
    return joblib.load(path)
