"""Every setting is documented, typed and named when it is wrong."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from review_app.serve import explain
from review_app.settings import Settings, WrongTokenFile

README = (Path(__file__).parents[2] / "README.md").read_text()
GIVEN = {"port": 8081, "release": "v1", "model_service_url": "http://127.0.0.1:1", "store_url": "sqlite://"}


def test_every_setting_stands_in_the_readme_with_its_default():
    rows = dict(re.findall(r"^\| `(APP_\w+)` \| ([^|]+?) \|", README, flags=re.MULTILINE))
    fields = Settings.model_fields
    assert rows.keys() == {f"APP_{name.upper()}" for name in fields}
    for name, field in fields.items():
        expected = "required" if field.is_required() else "none" if field.default is None else f"`{field.default}`"
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


@pytest.mark.parametrize("content", ["", "short", "with a blank in it", "ünzulässiges-zeichen", "x" * 201])
def test_a_token_file_without_a_good_token_is_named_and_not_quoted(tmp_path, content):
    file = tmp_path / "moderator.token"
    file.write_text(content)
    settings = Settings.model_validate({**GIVEN, "moderator_token_file": file})
    with pytest.raises(WrongTokenFile, match="APP_MODERATOR_TOKEN_FILE") as caught:
        settings.moderator_token()
    assert not content or content not in str(caught.value)


def test_a_token_file_is_read_without_its_line_end(tmp_path):
    file = tmp_path / "app.token"
    file.write_text("0123456789abcdef\n")
    settings = Settings.model_validate({**GIVEN, "model_service_token_file": file})
    assert (settings.model_service_token(), settings.moderator_token()) == ("0123456789abcdef", None)


def test_settings_can_not_be_changed():
    settings = Settings.model_validate(GIVEN)
    with pytest.raises(ValidationError):
        settings.port = 1
