import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from model_service.settings import Settings, WrongSettings, read_settings

README = Path(__file__).parents[2] / "README.md"
REQUIRED = {"PORT", "REGISTRY", "ALIAS", "FEEDBACK_URL", "PREDICTION_KEY_FILE"}


def test_every_setting_is_documented_with_its_default_and_none_besides():
    section = README.read_text().split("## Settings")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `MODEL_SERVICE_(\w+)` \| ([^|]+) \|", section, re.MULTILINE))
    assert set(rows) == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        expected = "required" if field.is_required() else "none" if field.default is None else f"`{field.default}`"
        assert rows[name.upper()].strip() == expected, name


def test_the_environment_is_read(settings):
    assert (settings.host, settings.alias, settings.poll_interval_s) == ("127.0.0.1", "sentiment/v1", 0.1)
    assert (settings.max_text_chars, settings.max_body_bytes) == (2_000, 65_536)


def test_every_missing_setting_is_named_at_once(monkeypatch):
    for name in REQUIRED:
        monkeypatch.delenv(f"MODEL_SERVICE_{name}", raising=False)
    with pytest.raises(WrongSettings) as wrong:
        read_settings()
    assert set(re.findall(r"MODEL_SERVICE_(\w+):", str(wrong.value))) == REQUIRED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "many"),
        ("ALIAS", "../v1"),
        ("POLL_INTERVAL_S", "0"),
        ("MAX_TEXT_CHARS", "-1"),
        ("FEEDBACK_URL", "postgresql://somewhere"),
        ("FEEDBACK_URL", "sqlite://"),
        ("THREADS", "0"),
    ],
)
@pytest.mark.usefixtures("settings")
def test_a_wrong_value_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"MODEL_SERVICE_{name}", value)
    with pytest.raises(WrongSettings, match=f"MODEL_SERVICE_{name}: "):
        read_settings()


def test_a_key_file_that_is_missing_or_short_is_named_with_the_remedy(settings):
    settings.prediction_key_file.write_bytes(b"short")
    with pytest.raises(WrongSettings, match=r"PREDICTION_KEY_FILE.*5 bytes.*head -c 32 /dev/urandom"):
        settings.prediction_key()
    settings.prediction_key_file.unlink()
    with pytest.raises(WrongSettings, match=r"PREDICTION_KEY_FILE.*No such file"):
        settings.prediction_key()


def test_the_models_public_key_is_checked_at_start(settings, monkeypatch, tmp_path):
    assert settings.model_public_key() is None
    file = tmp_path / "public.pem"
    monkeypatch.setenv("MODEL_SERVICE_MODEL_PUBLIC_KEY_FILE", str(file))
    file.write_text("no key")
    with pytest.raises(WrongSettings, match="MODEL_PUBLIC_KEY_FILE: must hold an ed25519 public key"):
        read_settings().model_public_key()
    pem = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    file.write_bytes(pem)
    assert read_settings().model_public_key() == pem
