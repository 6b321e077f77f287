"""`review-app`: serves the pages and the API until SIGTERM."""

import sys

from lib_web.logging import configure_logging
from lib_web.server import serve
from pydantic import ValidationError

from review_app.adapters.database import StoreOutdated
from review_app.domain.store import StoreUnavailable
from review_app.factory import create_app, start_background
from review_app.settings import Settings, WrongTokenFile


def main() -> None:
    configure_logging("app")
    try:
        settings = Settings()  # type: ignore[call-arg]  # pydantic reads the environment
        serve(
            lambda: create_app(settings),
            host=settings.host,
            port=settings.port,
            server="gunicorn",
            threads=settings.threads,
            on_worker_start=lambda app, _worker: start_background(app),
        )
    except ValidationError as error:
        sys.exit(explain(error))
    except (StoreOutdated, StoreUnavailable, WrongTokenFile) as error:
        sys.exit(f"review-app: {error}")


def explain(error: ValidationError) -> str:
    """One line per setting at fault, by the name that the operator sets; values are left out, they may be secret."""
    lines = [f"APP_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
    return "\n".join(["review-app: wrong settings", *lines])
