"""What the operator may decide: MODEL_SERVICE_* in the environment, read once at start, immutable afterwards."""

from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from model_service.domain.prediction_id import MIN_KEY_BYTES

__all__ = ["Settings", "WrongSettings", "read_settings"]

_PREFIX = "MODEL_SERVICE_"


class WrongSettings(Exception):
    """The process can not start like this; the message names each setting and what is wrong with it."""


class Settings(BaseSettings):
    """Each is explained in the README."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)]
    registry: Path
    alias: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/[a-z0-9][a-z0-9.-]*$")]
    poll_interval_s: PositiveFloat = 1.0
    max_text_chars: PositiveInt = 2_000
    max_body_bytes: PositiveInt = 65_536
    feedback_url: Annotated[str, Field(pattern=r"^sqlite:///.+$")]
    prediction_key_file: Path
    model_public_key_file: Path | None = None
    threads: Annotated[int, Field(ge=1, le=64)] = 8

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
