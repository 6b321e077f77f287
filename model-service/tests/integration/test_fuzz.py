"""Requests that schemathesis makes from the service's own OpenAPI document, and whether the answers are as it says."""

import os
import subprocess
from pathlib import Path

import pytest
from real_process import PROGRAMS

# An operation; `make fuzz EXAMPLES=200` asks for more.
EXAMPLES = int(os.environ.get("EXAMPLES", "20"))
# Beside this: what is left out, and why.
CONFIG = Path(__file__).parents[2] / "schemathesis.toml"


@pytest.mark.timeout(150 + 3 * EXAMPLES)
def test_generated_requests_get_what_the_document_says(whole_service, tmp_path):
    told = {"SERVICE_URL": whole_service.url, "SERVICE_TOKEN": whole_service.token}
    document = f"{whole_service.url}/openapi.json"
    command = [PROGRAMS / "st", "--config-file", CONFIG, "run", document, "--max-examples", str(EXAMPLES), "--no-color"]
    # Its words go to the terminal under `pytest -s`, else pytest shows them with a failure.
    assert subprocess.run(command, cwd=tmp_path, env=os.environ | told, check=False).returncode == 0
    assert b'status="5xx"' not in whole_service.ask("GET", "/metrics")[2]
    assert whole_service.lines(), "and every line of the log is JSON"
    assert len(whole_service.workers()) == 2
