"""What the operator may decide: the environment, read once at start, immutable afterwards."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, HttpUrl, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,200}")
Port = Annotated[int, Field(ge=1, le=65_535)]


class WrongTokenFile(Exception):
    """A file that should hold a token does not; the message names the setting, never what the file holds."""


class StoreSettings(BaseSettings):
    """What `review-app-migrate` needs."""

    model_config = SettingsConfigDict(env_prefix="APP_", frozen=True)

    store_url: str  # SQLAlchemy's form, e.g. sqlite:////var/lib/palate/palate.db


class Settings(StoreSettings):
    """What `review-app` needs. A missing or wrong value raises pydantic's ValidationError."""

    host: str = "127.0.0.1"
    port: Port
    release: Literal["v1", "v2"]  # which side of the release this process is
    model_service_url: HttpUrl  # the model-service of the same side
    model_service_token_file: Path | None = None  # without a token nothing is moderated, and every review is held back
    moderator_token_file: Path | None = None  # what opens /moderation; without it nobody can
    max_text_chars: PositiveInt = 2_000  # longer reviews are refused with 422, never cut silently
    max_body_bytes: PositiveInt = 65_536  # longer bodies are refused with 413
    model_timeout_s: Annotated[PositiveFloat, Field(le=1.9)] = 1.8  # a reviewer hears of a failure within 2 seconds
    threads: PositiveInt = 8

    def model_service_token(self) -> str | None:
        """What the model-service asks for before it moderates. Raises WrongTokenFile."""
        return _token(self.model_service_token_file, "APP_MODEL_SERVICE_TOKEN_FILE")

    def moderator_token(self) -> str | None:
        """What a moderator signs in with. Raises WrongTokenFile."""
        return _token(self.moderator_token_file, "APP_MODERATOR_TOKEN_FILE")


def _token(file: Path | None, setting: str) -> str | None:
    if file is None:
        return None
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongTokenFile(f"{setting}: {file} can not be read: {error}") from None
    if not TOKEN.fullmatch(token):
        raise WrongTokenFile(f"{setting}: {file} must hold one token of 16 to 200 letters, digits and -._~+/=")
    return token
