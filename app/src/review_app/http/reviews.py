"""The reviewer's way: write, read the verdict, correct it, take the correction back."""

from collections.abc import Callable

import structlog
from apiflask import APIBlueprint
from flask import Response, g, redirect, url_for
from flask.typing import ResponseReturnValue
from lib_web.problems import Problem

from review_app.domain.desk import ReviewDesk
from review_app.domain.review import Review
from review_app.domain.store import Reviews, StoreUnavailable
from review_app.domain.verdict import Sentiment
from review_app.http.forms import read_empty_form, read_form
from review_app.http.refusals import refusals
from review_app.http.rendering import TEMPLATES, fragment, is_htmx
from review_app.http.visitors import know_visitors, visitor_id

RECENT_REVIEWS = 10

log = structlog.get_logger()


def review_pages(desk: ReviewDesk, reviews: Reviews, new_id: Callable[[], str]) -> APIBlueprint:
    pages = APIBlueprint("reviews", __name__, template_folder=str(TEMPLATES), enable_openapi=False)
    know_visitors(pages, new_id)

    @pages.get("/")
    def start() -> Response:
        return fragment("palate/write.html", typed_text="", recent=_recent(reviews))

    @pages.post("/reviews")
    def write() -> ResponseReturnValue:
        """303 to the verdict, or its piece for htmx; 422 text refused; 503 no verdict, the text stays in the form."""
        g.typed_text = text = read_form("text")["text"]
        with refusals():
            review = desk.write(text, visitor_id())
        log.info("verdict", sentiment=review.verdict.sentiment, model_version=review.verdict.model.version)
        return _shown(review, reviews)

    @pages.get("/reviews")
    def read_public() -> Response:
        with refusals():
            return fragment("palate/public.html", public=desk.public())

    @pages.get("/reviews/<review_id>")
    def read(review_id: str) -> Response:
        with refusals():
            review = desk.read(review_id)
        return fragment("palate/read.html", review=review, recent=_recent(reviews))

    @pages.post("/reviews/<review_id>/correction")
    def correct(review_id: str) -> ResponseReturnValue:
        sentiment = _sentiment(read_form("sentiment")["sentiment"])
        with refusals():
            review = desk.correct(review_id, sentiment)
        return _shown(review, reviews)

    @pages.post("/reviews/<review_id>/correction/undo")
    def undo(review_id: str) -> ResponseReturnValue:
        read_empty_form()
        with refusals():
            review = desk.correct(review_id, None)
        return _shown(review, reviews)

    return pages


def _recent(reviews: Reviews) -> list[Review]:
    """The visitor's reviews; an unreadable store leaves the rest of the page standing."""
    try:
        return reviews.recent(visitor_id(), RECENT_REVIEWS)
    except StoreUnavailable as error:
        log.warning("store_unavailable", reason=str(error))
        return []


def _shown(review: Review, reviews: Reviews) -> ResponseReturnValue:
    """The verdict after a post: a piece that takes the focus for htmx, else the way to its page."""
    if is_htmx():
        return fragment("palate/_review_and_recent.html", review=review, recent=_recent(reviews), focus=True)
    return redirect(url_for("reviews.read", review_id=review.id), code=303)


def _sentiment(value: str) -> Sentiment:
    if value not in set(Sentiment):
        detail = "Must be positive or negative."
        raise Problem(422, "Unprocessable Content", detail, errors=[{"field": "sentiment", "detail": detail}])
    return Sentiment(value)
