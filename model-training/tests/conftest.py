"""A real project folder to train in, with little data so that a whole `dvc repro` takes seconds."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lib_ml.registry import FolderRegistry
from model_training.reviews import HEADER, Table, read_table
from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[1]
CHECKOUT = PROJECT.parent
SAMPLE = PROJECT / "sample" / "reviews.tsv"
COMMENTS = PROJECT / "sample" / "comments.csv"
COPIED = ("src", "sample", "dvc.yaml", "params.yaml", "stage", ".gitignore")


def sample_table() -> Table:
    return read_table(SAMPLE, name="reviews.tsv", max_chars=10_000, least_per_label=10)


def write_table(path: Path, rows: list[tuple[str, int]]) -> Path:
    path.write_text(f"{HEADER}\n" + "".join(f"{text}\t{label}\n" for text, label in rows), encoding="utf-8", newline="")
    return path


def sample_rows(count: int) -> list[tuple[str, int]]:
    return [(review.text, review.label) for review in sample_table().reviews[:count]]


@dataclass
class Workspace:
    """A checkout's parts that training needs, in a git repository of their own, with a home that is empty."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.root / "model-training"

    @property
    def registry(self) -> FolderRegistry:
        return FolderRegistry(Path(self.environment["PALATE_REGISTRY"]))

    def set(self, key: str, value: object) -> None:
        """Changes one value of params.yaml; `key` is dotted."""
        yaml, path = YAML(), self.project / "params.yaml"
        document = yaml.load(path.read_text(encoding="utf-8"))
        *above, last = key.split(".")
        section = document
        for step in above:
            section = section[step]
        section[last] = value
        with path.open("w", encoding="utf-8") as stream:
            yaml.dump(document, stream)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.project,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    def train(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "model_training.cli", "train", *arguments, **environment)

    def start_training(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "model_training.cli", "train", *arguments],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def told(self) -> dict[str, bytes]:
        """What git keeps of a training, the data it used, and what the registry points at."""
        files = [self.project / name for name in ("params.yaml", "dvc.lock", "metrics.json", "data-report.json")]
        files += sorted((self.project / "data").rglob("*.*"))
        files += sorted(self.registry.root.rglob("*.json"))
        return {str(path): path.read_bytes() for path in files if path.is_file()}


def make_workspace(root: Path) -> Workspace:
    (root / "model-training").mkdir(parents=True)
    for name in COPIED:
        source, target = PROJECT / name, root / "model-training" / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    shutil.copytree(CHECKOUT / "lib-ml/src/lib_ml", root / "lib-ml/src/lib_ml")
    (root / ".dvc").mkdir()
    shutil.copy2(CHECKOUT / ".dvc/config", root / ".dvc/config")
    shutil.copy2(CHECKOUT / ".dvcignore", root / ".dvcignore")
    home = root / "home"
    home.mkdir()
    workspace = Workspace(root)
    workspace.environment = {
        **{name: value for name, value in os.environ.items() if name.startswith(("COVERAGE", "COV_", "PATH", "LANG"))},
        "HOME": str(home),
        "PALATE_REGISTRY": str(root / "registry"),
        "MODEL_TRAINING_PROJECT": str(workspace.project),
        "MODEL_TRAINING_PYTHON": sys.executable,
        "MODEL_TRAINING_JOBS": "1",
        "DVC_SITE_CACHE_DIR": str(root / "dvc-site"),
    }
    subprocess.run(["git", "init", "-q", str(root)], check=True, env=workspace.environment)
    workspace.set("tasks.sentiment.evaluation.folds", 2)
    workspace.set("tasks.sentiment.evaluation.repeats", 1)
    workspace.set("tasks.sentiment.evaluation.learning_curve", [0.5, 1.0])
    workspace.set("tasks.moderation.calibration.folds", 2)
    workspace.set("tasks.moderation.evaluation.resamples", 100)
    write_table(workspace.project / "sample/reviews.tsv", sample_rows(200))
    return workspace


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Workspace:
    """A workspace after one whole `dvc repro` on 200 reviews and the sample's comments. Tests leave it as it was."""
    workspace = make_workspace(tmp_path_factory.mktemp("trained"))
    done = workspace.train()
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


@pytest.fixture
def unchanged(trained) -> Iterator[Workspace]:
    """`trained`, and afterwards the certainty that neither its files nor its registry changed."""
    before = trained.told()
    yield trained
    assert trained.told() == before


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=60)
