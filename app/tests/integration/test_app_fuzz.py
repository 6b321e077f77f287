"""Requests made from the app's own OpenAPI document; schemathesis.toml says what is asked."""

from pathlib import Path

import pytest
from generated_requests import PATIENCE_S, ask_by_its_document


@pytest.mark.timeout(PATIENCE_S)
def test_generated_requests_get_what_the_app_s_document_says(releases, tmp_path):
    app = releases["v1"]
    assert ask_by_its_document(app, Path(__file__).parents[2] / "schemathesis.toml", tmp_path)
    assert b'status="5xx"' not in app.ask("GET", "/metrics")[2]
    assert app.lines(), "and every line of the log is JSON"
