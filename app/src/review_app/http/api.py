"""/api/reviews: the reviewer's way for programs."""

from apiflask import APIBlueprint
from flask import Response, url_for
from lib_web.documentation import documented
from lib_web.json_body import read_json
from lib_web.text_body import text_body
from pydantic import BaseModel

from review_app.domain.desk import ReviewDesk
from review_app.http.documents import (
    CorrectionBody,
    PublicReviewsDocument,
    ReviewDocument,
    ReviewWithTextDocument,
    public_reviews,
    review_document,
    review_with_text,
)
from review_app.http.refusals import refusals

TAG = "reviews"
EXAMPLE = {"text": "The soup was cold, but the waiter made up for it."}
UNREADABLE = {
    400: "not JSON in UTF-8",
    403: "sent by another site's page",
    413: "body too long",
    415: "not application/json",
}
UNAVAILABLE = {503: "model-service or store not reachable; nothing was stored"}
UNKNOWN = {404: "no review has this id"}


def api(desk: ReviewDesk, max_text_chars: int) -> APIBlueprint:
    routes = APIBlueprint("api", __name__, url_prefix="/api/reviews")
    new_review = text_body("NewReview", max_text_chars)

    @routes.post("")
    @documented(
        summary="Write a review",
        tag=TAG,
        body=new_review,
        body_example=EXAMPLE,
        reply=ReviewDocument,
        status=201,
        problems={**UNREADABLE, 422: "text missing, blank or too long", **UNAVAILABLE},
    )
    def write() -> Response:
        body = read_json(new_review)
        with refusals():
            review = desk.write(body.text, visitor_id=None)
        response = _reply(review_document(review), 201)
        response.headers["Location"] = url_for("api.read", review_id=review.id)
        return response

    @routes.get("")
    @documented(
        summary="Read what everybody wrote",
        description="The newest public reviews: those that the moderation model let pass, or a moderator.",
        tag=TAG,
        reply=PublicReviewsDocument,
        problems={503: "store not reachable"},
    )
    def read_public() -> Response:
        with refusals():
            return _reply(public_reviews(desk.public()))

    @routes.get("/<review_id>")
    @documented(
        summary="Read a review", tag=TAG, reply=ReviewWithTextDocument, problems={**UNKNOWN, 503: "store not reachable"}
    )
    def read(review_id: str) -> Response:
        with refusals():
            return _reply(review_with_text(desk.read(review_id)))

    @routes.post("/<review_id>/correction")
    @documented(
        summary="Correct a verdict",
        description="The last word wins. It is stored before the reply and reaches the model-service shortly after.",
        tag=TAG,
        body=CorrectionBody,
        reply=ReviewDocument,
        problems={**UNREADABLE, **UNKNOWN, 422: "neither positive nor negative", 503: "store not reachable"},
    )
    def correct(review_id: str) -> Response:
        body = read_json(CorrectionBody)
        with refusals():
            return _reply(review_document(desk.correct(review_id, body.sentiment)))

    return routes


def _reply(document: BaseModel, status: int = 200) -> Response:
    return Response(document.model_dump_json(), status, mimetype="application/json")
