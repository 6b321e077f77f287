"""Requests made from the service's own OpenAPI document; schemathesis.toml says what is asked, and what is left out."""

from pathlib import Path

import pytest
from generated_requests import PATIENCE_S, ask_by_its_document


@pytest.mark.timeout(PATIENCE_S)
def test_generated_requests_get_what_the_document_says(whole_service, tmp_path):
    config = Path(__file__).parents[2] / "schemathesis.toml"
    workers = whole_service.workers()
    assert ask_by_its_document(whole_service, config, tmp_path, token=whole_service.token)
    assert b'status="5xx"' not in whole_service.ask("GET", "/metrics")[2]
    assert whole_service.lines(), "and every line of the log is JSON"
    assert whole_service.workers() == workers
