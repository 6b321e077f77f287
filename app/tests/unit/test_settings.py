"""Every setting is documented, typed and named when it is wrong."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from review_app.serve import explain
from review_app.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text()
GIVEN = {"port": 8081, "release": "v1", "model_service_url": "http://127.0.0.1:1", "store_url": "sqlite://"}


def test_every_setting_stands_in_the_readme_with_its_default():
    rows = dict(re.findall(r"^\| `(APP_\w+)` \| ([^|]+?) \|", README, flags=re.MULTILINE))
    fields = Settings.model_fields
    assert rows.keys() == {f"APP_{name.upper()}" for name in fields}
    for name, field in fields.items():
        expected = "required" if field.is_required() else f"`{field.default}`"
        assert rows[f"APP_{name.upper()}"] == expected


def test_the_environment_names_the_settings(monkeypatch):
    for name, value in GIVEN.items():
        monkeypatch.setenv(f"APP_{name.upper()}", str(value))
    monkeypatch.setenv("APP_MODEL_TIMEOUT_S", "0.5")
    assert Settings().model_timeout_s == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "0"),
        ("release", "v3"),
        ("model_service_url", "ftp://x"),
        ("model_timeout_s", "2"),
        ("threads", "0"),
        ("max_text_chars", "-1"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(name, value):
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({**GIVEN, name: value})
    assert f"APP_{name.upper()}" in explain(caught.value)


def test_settings_can_not_be_changed():
    settings = Settings.model_validate(GIVEN)
    with pytest.raises(ValidationError):
        settings.port = 1
