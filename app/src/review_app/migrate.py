"""`review-app-migrate`: brings the store to the schema that this app needs."""

import sys

import structlog
from lib_web.logging import configure_logging
from pydantic import ValidationError

from review_app.adapters.database import open_database
from review_app.adapters.migration import migrate
from review_app.domain.store import StoreUnavailable
from review_app.serve import explain
from review_app.settings import StoreSettings

log = structlog.get_logger()


def main() -> None:
    configure_logging("app")
    try:
        engine = open_database(StoreSettings().store_url)  # type: ignore[call-arg]  # pydantic reads the environment
        migrate(engine)
    except ValidationError as error:
        sys.exit(explain(error))
    except StoreUnavailable as error:
        sys.exit(f"review-app-migrate: the store can not be opened for writing: {error}")
    engine.dispose()
    log.info("store_migrated")
