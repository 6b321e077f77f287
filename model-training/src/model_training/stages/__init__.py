"""What `dvc repro` runs, a module a stage. Each works in model-training/ and exits with 1 and one line on a refusal."""

import sys
from collections.abc import Callable

from model_training.progress import say
from model_training.refusal import TrainingRefused

__all__ = ["run_stage"]


def run_stage(name: str, work: Callable[[], None]) -> None:
    """Does the work of a stage; a refusal becomes one line on stderr and exit code 1."""
    try:
        work()
    except TrainingRefused as refusal:
        say(f"{name}: {refusal}")
        sys.exit(1)
    except KeyboardInterrupt:
        say(f"{name}: stopped; nothing was half-written")
        sys.exit(130)
