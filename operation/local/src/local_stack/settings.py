"""What the operator of a laptop stack may decide, from the environment, read once."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from local_stack.ports import LAST_OFFSET

__all__ = ["LocalSettings", "SettingsRefused"]

_SOURCE_FOLDER = Path(__file__).resolve().parents[2]


class SettingsRefused(Exception):
    """A setting makes no sense; the message names it and what it may be."""


class LocalSettings(BaseSettings):
    """The settings PALATE_PORT and PALATE_HOME."""

    model_config = SettingsConfigDict(env_prefix="PALATE_", frozen=True, env_ignore_empty=True, validate_default=True)

    port: Annotated[int, Field(ge=1, le=65535 - LAST_OFFSET)] = 8080  # the gateway's; the others follow it
    home: Path = Path()  # the state's folder; empty: .palate in the checkout

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return _default_home() if home == Path() else home.expanduser().absolute()

    @classmethod
    def read(cls) -> Self:
        """The environment's settings. Raises SettingsRefused naming the variable."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = f"PALATE_{str(first['loc'][0]).upper()}"
            raise SettingsRefused(f"{name}: {first['msg']}") from None


def _default_home() -> Path:
    """`.palate` in the checkout these sources lie in, or in the current folder when they were installed."""
    checkout = _SOURCE_FOLDER.parents[1]
    return (checkout if (checkout / "uv.lock").is_file() else Path.cwd()) / ".palate"
