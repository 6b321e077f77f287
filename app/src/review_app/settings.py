"""What the operator may decide: the environment, read once at start, immutable afterwards."""

from typing import Annotated, Literal

from pydantic import Field, HttpUrl, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65_535)]


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
    max_text_chars: PositiveInt = 2_000  # longer reviews are refused with 422, never cut silently
    max_body_bytes: PositiveInt = 65_536  # longer bodies are refused with 413
    model_timeout_s: Annotated[PositiveFloat, Field(le=1.9)] = 1.8  # a reviewer hears of a failure within 2 seconds
    threads: PositiveInt = 8
