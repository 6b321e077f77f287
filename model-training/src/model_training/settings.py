"""What the environment decides; read once, at the start of a program."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_training.refusal import TrainingRefused


@dataclass(frozen=True)
class Settings:
    """`registry`: where models are published. `signing_key`: PEM, ed25519. `jobs`: processes that fit folds."""

    registry: Path
    signing_key: bytes | None
    jobs: int
    experiment: str | None


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises TrainingRefused naming the setting at fault."""
    return Settings(
        registry=Path(environment.get("PALATE_REGISTRY") or Path("..") / ".palate" / "registry").absolute(),
        signing_key=_signing_key(environment.get("MODEL_TRAINING_SIGNING_KEY_FILE")),
        jobs=_jobs(environment.get("MODEL_TRAINING_JOBS")),
        # DVC tells the commands of an experiment its name.
        experiment=environment.get("DVC_EXP_NAME") or None,
    )


def _signing_key(file: str | None) -> bytes | None:
    if not file:
        return None
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise TrainingRefused(f"MODEL_TRAINING_SIGNING_KEY_FILE: {file}: {error.strerror}") from error


def _jobs(number: str | None) -> int:
    if not number:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not number.isdecimal() or int(number) < 1:
        raise TrainingRefused("MODEL_TRAINING_JOBS: must be a whole number of at least 1")
    return int(number)
