import json
import re
import shutil
from functools import reduce
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from model_service.settings import Settings, WrongSettings, read_settings
from model_service.settings_file import read_settings_file
from model_service.settings_sources import setting_fields
from pydantic.fields import FieldInfo
from pydantic_core import to_json

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = Path(__file__).parents[2] / "model-service.yaml"
FIELDS = setting_fields(Settings)
REQUIRED = {"PORT", "REGISTRY", "ALIAS", "FEEDBACK_URL", "PREDICTION_KEY_FILE"}
NEEDED = """\
port: 8083
registry: /registry
alias: sentiment/v1
feedback_url: sqlite:////feedback.db
prediction_key_file: /prediction.key
"""


@pytest.fixture(autouse=True)
def _without_a_file_in_the_working_directory(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def variable(path: tuple[str, ...]) -> str:
    return "MODEL_SERVICE_" + "__".join(path).upper()


def write(folder: Path, lines: str) -> Path:
    """A settings file whose line 7 is the first of `lines`."""
    file = folder / "model-service.yaml"
    file.write_text(f"# A comment.\n{NEEDED}{lines}")
    return file


def default_of(field: FieldInfo) -> str:
    if field.is_required() or field.default is None:
        return "required" if field.is_required() else "none"
    shown = to_json(field.default).decode().strip('"')
    return f"`{shown}`"


def test_every_setting_is_documented_with_its_default_and_none_besides():
    section = README.read_text().split("## Settings")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(MODEL_SERVICE_\w+)` \| ([^|]+) \|", section, re.MULTILINE))
    assert {name: default.strip() for name, default in rows.items()} == {
        variable(path): default_of(field) for path, field in FIELDS.items()
    }


def test_the_example_file_has_every_setting_with_its_default():
    example = read_settings_file(EXAMPLE)
    text = EXAMPLE.read_text()
    for path in FIELDS:
        assert path in example.lines or f"#  {path[-1]}: " in text, path
    required = {name: example.values.pop(name.lower()) for name in REQUIRED}
    assert all(required.values())
    given = {name.lower(): value for name, value in required.items()}
    assert Settings(**given, **example.values) == Settings(**given)


def test_the_example_file_starts_a_service(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_SERVICE_CONFIG", str(shutil.copy(EXAMPLE, tmp_path)))
    settings = read_settings()
    assert (settings.port, settings.alias) == (8083, "sentiment/v1")
    assert settings.registry == tmp_path / "registry"
    assert settings.feedback_url == f"sqlite:///{tmp_path}/feedback.db"


OTHER_VALUES = {
    "mode": "TEST",
    "host": "0.0.0.0",
    "port": "81",
    "server": "gunicorn",
    "workers": "3",
    "threads": "9",
    "drain_s": "1.5",
    "state_folder": "/elsewhere",
    "registry": "/elsewhere",
    "alias": "sentiment/other",
    "networks": '{"logistic":"moderation/other"}',
    "moderation": "other",
    "shadow": "sentiment/v2",
    "poll_interval_s": "2.5",
    "model_public_key_file": "/elsewhere",
    "max_text_chars": "7",
    "max_texts": "7",
    "max_body_bytes": "7",
    "max_batch_bytes": "7",
    "feedback_url": "sqlite:////elsewhere",
    "feedback_hours": "2.5",
    "prediction_key_file": "/elsewhere",
    "auth.tokens": '{"someone":"0123456789abcdefghij"}',
    "auth.tokens_file": "/elsewhere",
    "auth.jwt.issuer": "other",
    "auth.jwt.audience": "other",
    "auth.jwt.jwks": "/elsewhere",
    "limits.per_token": "7/minute",
    "limits.per_address": "7/minute",
    "limits.store_url": "redis://elsewhere",
    "limits.trusted_proxies": '["10.0.0.0/8","192.168.0.0/16"]',
    "statistics.store_url": "redis://elsewhere",
    "cache.use": "off",
    "cache.entries": "7",
    "cache.max_distance": "0.25",
    "reporting.reporter": "stdout",
    "reporting.interval_s": "2.5",
    "reporting.target": "/elsewhere",
    "reporting.token_file": "/elsewhere",
    "logging.file": "/elsewhere",
    "logging.level": "WARNING",
    "logging.max_bytes": "70000",
    "logging.backups": "7",
}
JWT = "{issuer: i, audience: a, jwks: https://issuer.example}"


def shown(settings: Settings, path: tuple[str, ...]) -> str:
    """A value as a variable has it, secrets too."""
    value = reduce(getattr, path, settings)
    if path == ("auth", "tokens"):
        value = {name: token.get_secret_value() for name, token in value.items()}
    return value if isinstance(value, str) else to_json(value).decode().strip('"')


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_every_value_of_the_file_can_be_replaced_by_a_variable(path, tmp_path, monkeypatch):
    file = tmp_path / "model-service.yaml"
    file.write_text(EXAMPLE.read_text().replace("jwt: null", f"jwt: {JWT}"))
    other = OTHER_VALUES[".".join(path)]
    assert shown(read_settings(file), path) != other
    monkeypatch.setenv(variable(path), other)
    assert shown(read_settings(file), path) == other


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(tmp_path, monkeypatch):
    file = tmp_path / "model-service.yaml"
    file.write_text(EXAMPLE.read_text())
    assert (read_settings(file).port, read_settings(file, port=80).port) == (8083, 80)
    monkeypatch.setenv("MODEL_SERVICE_PORT", "81")
    assert (read_settings(file).port, read_settings(file, port=80).port) == (81, 80)


def test_a_dictionary_in_the_environment_replaces_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_SERVICE_NETWORKS", '{"other": "moderation/v3"}')
    assert read_settings(write(tmp_path, "networks: {mlp: moderation/mlp}")).networks == {"other": "moderation/v3"}


@pytest.mark.usefixtures("settings")
def test_null_in_the_environment_takes_a_value_away_and_an_empty_variable_does_not(tmp_path, monkeypatch):
    file = write(tmp_path, "shadow: sentiment/v2")
    monkeypatch.setenv("MODEL_SERVICE_SHADOW", "")
    assert read_settings(file).shadow == "sentiment/v2"
    monkeypatch.setenv("MODEL_SERVICE_SHADOW", "null")
    assert read_settings(file).shadow is None


def test_the_file_in_the_working_directory_is_read_when_none_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(write(tmp_path, "").parent)
    assert read_settings().alias == "sentiment/v1"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("prot: 1", "line 7: `prot` is no setting; did you mean port?"),
        ("limits:\n  per_tokn: 1/minute", "line 8: `limits.per_tokn` is no setting; did you mean limits.per_token?"),
        ("threads: many", "line 7: `threads`: Input should be a valid integer"),
        ("threads: '8'", "line 7: `threads`: Input should be a valid integer"),
        ("threads: true", "line 7: `threads`: Input should be a valid integer"),
        ("threads: 0", "line 7: `threads`: Input should be greater than or equal to 1"),
        ("host: 1", "line 7: `host`: Input should be a valid string"),
        ("limits: 5", "line 7: `limits` must hold settings of its own"),
        ("limits: {trusted_proxies: 10.0.0.0/8}", "line 7: `limits.trusted_proxies`: Input should be a valid array"),
        ("cache: {use: sometimes}", "line 7: `cache.use`: Input should be 'auto', 'on' or 'off'"),
        ("poll_interval_s: .inf", "line 7: `poll_interval_s`: Input should be a valid number"),
        ("poll_interval_s: 1e300", "line 7: `poll_interval_s`: Input should be less than or equal to 86400"),
        ("auth: {tokens: {s3cr3t!: name}}", "line 7: `auth.tokens`: String should match pattern"),
        ("port: 1", "line 7: `port` stands in line 2 already"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_line_and_never_repeated(tmp_path, lines, fault):
    file = write(tmp_path, lines)
    with pytest.raises(WrongSettings) as wrong:
        read_settings(file)
    assert f"{file} {fault}" in str(wrong.value)
    assert "s3cr3t" not in str(wrong.value)


def test_on_and_off_are_words_and_not_booleans(tmp_path):
    assert read_settings(write(tmp_path, "cache: {use: off}")).cache.use == "off"


def test_a_section_without_a_value_is_as_good_as_none(tmp_path):
    assert read_settings(write(tmp_path, "limits:\n")).limits.per_token is None


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(WrongSettings, match=r"other\.yaml: can not be read: No such file"):
        read_settings(tmp_path / "other.yaml")


@pytest.mark.usefixtures("settings")
def test_a_variable_that_does_not_exist_is_named_with_what_may_have_been_meant(monkeypatch):
    monkeypatch.setenv("MODEL_SERVICE_LIMIT__PER_TOKEN", "1/minute")
    with pytest.raises(WrongSettings, match=r"MODEL_SERVICE_LIMIT__PER_TOKEN: .* mean MODEL_SERVICE_LIMITS__PER_TOKEN"):
        read_settings()


@pytest.mark.usefixtures("settings")
def test_what_kubernetes_adds_to_every_environment_is_passed_over_or_explained(monkeypatch):
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_80_TCP", "PORT_80_TCP_ADDR", "V1_PORT"):
        monkeypatch.setenv(f"MODEL_SERVICE_{name}", "tcp://10.0.0.1:80")
    assert read_settings()
    monkeypatch.setenv("MODEL_SERVICE_PORT", "tcp://10.0.0.1:80")
    with pytest.raises(WrongSettings, match=r"MODEL_SERVICE_PORT: .*enableServiceLinks: false"):
        read_settings()


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("name", ["NETWORKS", "AUTH__TOKENS", "LIMITS__TRUSTED_PROXIES", "LIMITS"])
def test_a_variable_that_must_be_json_is_named_without_its_value(monkeypatch, name):
    monkeypatch.setenv(f"MODEL_SERVICE_{name}", "{s3cr3t")
    with pytest.raises(WrongSettings, match=f"^MODEL_SERVICE_{name}: must be JSON") as wrong:
        read_settings()
    assert "s3cr3t" not in str(wrong.value)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    "token", ["changeme", "test-token-secret", "a" * 40, "ab" * 20, "secretsecretsecretsecret", "short-but-odd-7"]
)
def test_a_placeholder_token_is_refused_in_deploy_alone(monkeypatch, token):
    monkeypatch.setenv("MODEL_SERVICE_AUTH__TOKENS", json.dumps({"someone": token}))
    with pytest.raises(WrongSettings, match=r"auth\.tokens.*openssl rand -hex 32") as wrong:
        read_settings()
    assert token not in str(wrong.value)
    for mode in ("TEST", "DEV"):
        assert read_settings(mode=mode).auth.tokens["someone"].get_secret_value() == token


def test_a_placeholder_key_is_refused_in_deploy_alone(settings):
    for key in (b"\0" * 32, b"changeme" * 4, b"this is the secret test key for production\n"):
        settings.prediction_key_file.write_bytes(key)
        with pytest.raises(WrongSettings, match=r"PREDICTION_KEY_FILE: .*head -c 32 /dev/urandom"):
            settings.prediction_key()
        assert read_settings(mode="TEST").prediction_key() == key


@pytest.mark.usefixtures("settings")
def test_debug_is_for_developers(monkeypatch):
    assert [read_settings(mode=mode).log_level for mode in ("DEPLOY", "TEST", "DEV")] == ["INFO", "INFO", "DEBUG"]
    monkeypatch.setenv("MODEL_SERVICE_LOGGING__LEVEL", "DEBUG")
    for mode in ("DEPLOY", "TEST"):
        with pytest.raises(WrongSettings, match=f"DEBUG is not for --mode {mode}"):
            read_settings(mode=mode)
    assert read_settings(mode="DEV").log_level == "DEBUG"
    monkeypatch.setenv("MODEL_SERVICE_LOGGING__LEVEL", "WARNING")
    assert read_settings(mode="DEV").log_level == "WARNING"


def test_no_secret_is_shown_by_its_settings(settings, monkeypatch):
    monkeypatch.setenv("MODEL_SERVICE_AUTH__TOKENS", '{"someone": "0123456789abcdefghij"}')
    assert "0123456789abcdefghij" not in repr(read_settings())
    assert settings


def test_the_environment_is_read(settings):
    assert (settings.host, settings.alias, settings.poll_interval_s) == ("127.0.0.1", "sentiment/v1", 0.1)
    assert (settings.max_text_chars, settings.max_body_bytes) == (2_000, 1_000_000)


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
