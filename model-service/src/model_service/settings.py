"""What the operator may decide: MODEL_SERVICE_* in the environment, read once at start, immutable afterwards."""

from pathlib import Path
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from model_service.domain.prediction_id import MIN_KEY_BYTES

__all__ = ["Settings", "WrongSettings", "read_settings"]

_PREFIX = "MODEL_SERVICE_"

Alias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/[a-z0-9][a-z0-9.-]*$")]
NetworkName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
RedisUrl = Annotated[str, Field(pattern=r"^(redis|rediss|valkey|valkeys|unix)://.+$")]


class WrongSettings(Exception):
    """The process can not start like this; the message names each setting and what is wrong with it."""


class Section(BaseModel):
    """A group of settings; in the environment its name and the setting's are joined by two underscores."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JwtSettings(Section):
    """Whose signed tokens are accepted beside the static ones."""

    issuer: str
    audience: str
    jwks: str  # URL or file of the issuer's public keys


class AuthSettings(Section):
    """Who may call the routes that ask for a bearer token."""

    tokens: dict[TokenName, SecretStr] = {}
    tokens_file: Path | None = None
    jwt: JwtSettings | None = None


class LimitSettings(Section):
    """How often a caller may call, such as "100/minute"; None: no limit."""

    per_token: str | None = None
    per_address: str | None = None
    store_url: RedisUrl | None = None
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()


class StatisticsSettings(Section):
    """Where calls are counted."""

    store_url: RedisUrl | None = None


class CacheSettings(Section):
    """Verdicts kept for texts that come again, word for word or nearly."""

    use: Literal["auto", "on", "off"] = "auto"
    entries: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    max_distance: Annotated[float, Field(ge=0, lt=0.5)] = 0.1


class ReportingSettings(Section):
    """Where the metrics collector sends its figures, beside /metrics."""

    reporter: Literal["none", "stdout", "textfile", "influxdb", "opentelemetry"] = "none"
    interval_s: PositiveFloat = 10.0
    target: str | None = None


class LoggingSettings(Section):
    """The log's file and its rotation; None: standard output alone."""

    file: Path | None = None
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_bytes: PositiveInt = 10_000_000
    backups: Annotated[int, Field(ge=0, le=100)] = 5


class Settings(BaseSettings):
    """Each is explained in the README."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_nested_delimiter="__", frozen=True)

    mode: Literal["DEV", "TEST", "DEPLOY"] = "DEPLOY"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)]
    server: Literal["granian", "gunicorn"] = "granian"
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    threads: Annotated[int, Field(ge=1, le=64)] = 8
    state_folder: Path = Path("state")
    registry: Path
    alias: Alias
    networks: dict[NetworkName, Alias] = {"logistic": "moderation/v1", "mlp": "moderation/mlp"}
    moderation: NetworkName = "logistic"
    shadow: Alias | None = None
    poll_interval_s: PositiveFloat = 1.0
    model_public_key_file: Path | None = None
    max_text_chars: PositiveInt = 2_000
    max_texts: PositiveInt = 10_000
    max_body_bytes: PositiveInt = 1_000_000
    max_batch_bytes: PositiveInt = 32_000_000
    feedback_url: Annotated[str, Field(pattern=r"^sqlite:///.+$")]
    feedback_hours: PositiveFloat = 24.0
    prediction_key_file: Path
    auth: AuthSettings = AuthSettings()
    limits: LimitSettings = LimitSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    cache: CacheSettings = CacheSettings()
    reporting: ReportingSettings = ReportingSettings()
    logging: LoggingSettings = LoggingSettings()

    def prediction_key(self) -> bytes:
        """The key that signs prediction ids. Raises WrongSettings."""
        key = _read(self.prediction_key_file, "PREDICTION_KEY_FILE")
        if len(key) < MIN_KEY_BYTES:
            raise WrongSettings(
                f"{_PREFIX}PREDICTION_KEY_FILE: the file has {len(key)} bytes, fewer than {MIN_KEY_BYTES}; "
                f"make one with: head -c {MIN_KEY_BYTES} /dev/urandom"
            )
        return key

    def model_public_key(self) -> bytes | None:
        """PEM of the key that signs models, None when none is asked for. Raises WrongSettings."""
        if self.model_public_key_file is None:
            return None
        pem = _read(self.model_public_key_file, "MODEL_PUBLIC_KEY_FILE")
        try:
            key = load_pem_public_key(pem)
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise WrongSettings(f"{_PREFIX}MODEL_PUBLIC_KEY_FILE: must hold an ed25519 public key in PEM form")
        return pem


def read_settings() -> Settings:
    """The settings in the environment. Raises WrongSettings."""
    try:
        return Settings()  # type: ignore[call-arg]  # the environment gives them
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [f"{_PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in faults]
        raise WrongSettings("; ".join(lines)) from None


def _read(file: Path, setting: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WrongSettings(f"{_PREFIX}{setting}: {file} can not be read: {error.strerror}") from None
