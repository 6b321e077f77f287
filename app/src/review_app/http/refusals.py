"""The one translation of the domain's exceptions into problems."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from lib_web.problems import Problem

from review_app.domain.review import ReviewRefused
from review_app.domain.store import ReviewUnknown, StoreUnavailable
from review_app.domain.verdict import ModelUnavailable

RETRY_AFTER_S = "3"

log = structlog.get_logger()


@contextmanager
def refusals() -> Iterator[None]:
    """Inside, the domain may raise; outside, it is a Problem that says what to do next."""
    try:
        yield
    except ReviewRefused as error:
        field = {"field": "text", "detail": str(error)}
        raise Problem(422, "Review refused", str(error), errors=[field]) from None  # type: ignore[list-item]
    except ReviewUnknown:
        raise Problem(404, "Not Found", "There is no review with this id.") from None
    except ModelUnavailable as error:
        raise _unavailable(
            "The model did not answer in time. Your review was not stored: please send it again in a few seconds."
        ) from error
    except StoreUnavailable as error:
        log.warning("store_unavailable", reason=str(error))
        raise _unavailable(
            "The store can not be reached now. Nothing was stored: please try again in a few seconds."
        ) from error


def _unavailable(detail: str) -> Problem:
    return Problem(503, "Service Unavailable", detail, headers={"Retry-After": RETRY_AFTER_S})
