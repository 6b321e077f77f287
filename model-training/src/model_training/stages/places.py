"""Where the stages leave what the next ones need, relative to model-training/."""

from pathlib import Path

RAW, ORIGIN = Path("data/raw.tsv"), Path("data/source.json")
TRAIN, TEST = Path("data/train.tsv"), Path("data/test.tsv")
DATA_REPORT = Path("data-report.json")
METRICS, PLOTS = Path("metrics.json"), Path("plots")


def model_file(model: str) -> Path:
    return Path("models") / f"{model}.joblib"


def bundle_folder(model: str) -> Path:
    return Path("bundles") / model
