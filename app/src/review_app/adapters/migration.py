"""Brings the store's schema to the newest one, with alembic."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from review_app.adapters.database import writing


def migrate(engine: Engine) -> None:
    """Runs every migration that the store has not seen, in one transaction. Raises StoreUnavailable."""
    with writing(engine) as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("review_app.adapters") / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
