"""Requests that schemathesis makes from a service's own OpenAPI document: whether its answers are as it says."""

import os
import subprocess
from pathlib import Path

from real_process import PROGRAMS, RealProcess

# How many an operation; `make fuzz` asks for more.
EXAMPLES = int(os.environ.get("EXAMPLES", "20"))
# Seconds in which they should be answered.
PATIENCE_S = 150 + 5 * EXAMPLES


def ask_by_its_document(service: RealProcess, config: Path, folder: Path, *, token: str = "") -> bool:
    """Whether no check fails; `config` says which there are, `folder` takes what schemathesis leaves behind.

    Its words go to the terminal under `pytest -s`, else pytest shows them with a failure.
    """
    document, examples = f"{service.url}/openapi.json", str(EXAMPLES)
    command = [PROGRAMS / "st", "--config-file", config, "--no-color", "run", document, "--max-examples", examples]
    told = os.environ | {"SERVICE_URL": service.url, "SERVICE_TOKEN": token}
    return subprocess.run(command, cwd=folder, env=told, check=False).returncode == 0
