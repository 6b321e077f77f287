"""What the operator may decide, read once at start, immutable afterwards.

Each setting comes from the command line, else from MODEL_SERVICE_* in the environment, else from `model-service.yaml`,
else it has its default.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from model_service.domain.placeholder_secrets import MIN_TOKEN_CHARS, placeholder_fault
from model_service.domain.prediction_id import MIN_KEY_BYTES
from model_service.settings_sources import PREFIX, BesideFile, WrongSettings, load

__all__ = ["Mode", "Settings", "WrongSettings", "read_settings"]


Alias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/[a-z0-9][a-z0-9.-]*$")]
NetworkName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
RedisUrl = Annotated[str, Field(pattern=r"^(redis|rediss|valkey|valkeys|unix)://.+$")]


def _limit(text: str) -> str:
    # Loaded only where a limit is set: it takes a while.
    from model_service.domain.rate_limit import read_limit  # noqa: PLC0415

    read_limit(text)
    return text


Limit = Annotated[str, AfterValidator(_limit)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Mode = Literal["DEV", "TEST", "DEPLOY"]


class Section(BaseModel):
    """A group of settings; in the environment its name and the setting's are joined by two underscores."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class JwtSettings(Section):
    """Whose signed tokens are accepted beside the static ones."""

    issuer: str
    audience: str
    jwks: Annotated[str, BesideFile()]  # URL or file of the issuer's public keys


class AuthSettings(Section):
    """Who may call the routes that ask for a bearer token."""

    tokens: dict[TokenName, SecretStr] = {}
    tokens_file: Path | None = None
    jwt: JwtSettings | None = None


class LimitSettings(Section):
    """How often a caller may call, such as "100/minute"; None: no limit."""

    per_token: Limit | None = None
    per_address: Limit | None = None
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

    reporter: str = "none"
    interval_s: Seconds = 10.0
    target: Annotated[str | None, BesideFile()] = None
    token_file: Path | None = None


class LoggingSettings(Section):
    """The log's file, beside standard output, and its rotation."""

    file: Path | None = None
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_bytes: Annotated[int, Field(ge=10_000)] = 10_000_000
    backups: Annotated[int, Field(ge=1, le=100)] = 5


class Settings(BaseSettings):
    """Each is explained in the README."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        env_parse_none_str="null",
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
    )

    mode: Mode = "DEPLOY"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)]
    server: Literal["granian", "gunicorn"] = "granian"
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    threads: Annotated[int, Field(ge=1, le=64)] = 8
    drain_s: Annotated[float, Field(ge=0, le=300)] = 0.0
    state_folder: Path = Path("state")
    registry: Path
    alias: Alias
    networks: dict[NetworkName, Alias] = {"logistic": "moderation/v1", "mlp": "moderation/mlp"}
    moderation: NetworkName = "logistic"
    shadow: Alias | None = None
    poll_interval_s: Seconds = 1.0
    model_public_key_file: Path | None = None
    max_text_chars: PositiveInt = 2_000
    max_texts: PositiveInt = 10_000
    max_body_bytes: PositiveInt = 1_000_000
    max_batch_bytes: PositiveInt = 32_000_000
    feedback_url: Annotated[str, Field(pattern=r"^sqlite:///.+$"), BesideFile("sqlite:///")]
    feedback_hours: Annotated[float, Field(gt=0, le=8_760)] = 24.0
    prediction_key_file: Path
    auth: AuthSettings = AuthSettings()
    limits: LimitSettings = LimitSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    cache: CacheSettings = CacheSettings()
    reporting: ReportingSettings = ReportingSettings()
    logging: LoggingSettings = LoggingSettings()

    @property
    def log_level(self) -> str:
        """The log's level; in DEV everything, unless a level was set."""
        chosen = "level" in self.logging.model_fields_set
        return "DEBUG" if self.mode == "DEV" and not chosen else self.logging.level

    def prediction_key(self) -> bytes:
        """The key that signs prediction ids. Raises WrongSettings."""
        key = _read(self.prediction_key_file, "PREDICTION_KEY_FILE")
        remedy = f"make one with: head -c {MIN_KEY_BYTES} /dev/urandom"
        if len(key) < MIN_KEY_BYTES:
            raise WrongSettings(
                f"{PREFIX}PREDICTION_KEY_FILE: the file has {len(key)} bytes, fewer than {MIN_KEY_BYTES}; {remedy}"
            )
        self.refuse_placeholder(f"{PREFIX}PREDICTION_KEY_FILE", key, at_least=MIN_KEY_BYTES, remedy=remedy)
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
            raise WrongSettings(f"{PREFIX}MODEL_PUBLIC_KEY_FILE: must hold an ed25519 public key in PEM form")
        return pem

    def token_fault(self, token: bytes) -> str | None:
        """What is wrong with a bearer token; only DEPLOY looks."""
        return placeholder_fault(token, at_least=MIN_TOKEN_CHARS) if self.mode == "DEPLOY" else None

    def refuse_placeholder(
        self,
        setting: str,
        secret: bytes,
        *,
        at_least: int = MIN_TOKEN_CHARS,
        remedy: str = "make one with: openssl rand -hex 32",
    ) -> None:
        """Raises WrongSettings for a secret that is none; only DEPLOY is as strict. Says nothing of the secret."""
        fault = placeholder_fault(secret, at_least=at_least) if self.mode == "DEPLOY" else None
        if fault:
            raise WrongSettings(f"{setting}: a secret there {fault}; {remedy} (or start with --mode TEST)")

    def secret_files(self) -> Iterator[Path]:
        """The files that only the service should be able to read."""
        for file in (self.prediction_key_file, self.auth.tokens_file, self.reporting.token_file):
            if file is not None:
                yield file


def read_settings(
    file: Path | None = None, *, mode: str | None = None, host: str | None = None, port: int | None = None
) -> Settings:
    """The settings of this process; `mode`, `host` and `port` come before what environment and file say.

    Without `file`: the one that MODEL_SERVICE_CONFIG names, else model-service.yaml where it is there. Raises
    WrongSettings, naming everything at fault at once.
    """
    given = {"mode": mode, "host": host, "port": port}
    settings = load(Settings, file, {name: value for name, value in given.items() if value is not None})
    _refuse_what_the_mode_forbids(settings)
    return settings


def _refuse_what_the_mode_forbids(settings: Settings) -> None:
    if settings.mode != "DEV" and settings.logging.level == "DEBUG":
        raise WrongSettings(f"logging.level: DEBUG is not for --mode {settings.mode}; take INFO, or --mode DEV")
    for secret in settings.auth.tokens.values():
        settings.refuse_placeholder("auth.tokens", secret.get_secret_value().encode())


def _read(file: Path, setting: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WrongSettings(f"{PREFIX}{setting}: {file} can not be read: {error.strerror}") from None
