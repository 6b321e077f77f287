"""The route that takes a correction."""

from time import time
from typing import Annotated

import structlog
from apiflask import APIBlueprint
from flask import Response, jsonify
from lib_web.documentation import documented
from lib_web.json_body import Body, read_json
from lib_web.problems import FieldError, Problem
from pydantic import Field

from model_service.domain import (
    ActiveModel,
    Feedback,
    FeedbackNotStored,
    FeedbackStore,
    LabelUnknown,
    NoModel,
    Observer,
    OfAnotherTask,
    PredictionIds,
    PredictionUnknown,
    TooLate,
    judge_feedback,
)
from model_service.domain.live_accuracy import HOUR_S
from model_service.http.documents import FEEDBACK_EXAMPLE
from model_service.http.readiness import no_model

__all__ = ["feedback_routes"]

log = structlog.get_logger()


class FeedbackRequest(Body):
    """What the label of one prediction should have been."""

    id: Annotated[str, Field(description="The id of a verdict", max_length=100)]
    label: Annotated[str | None, Field(description="One of the model's labels; null withdraws", max_length=63)]


def feedback_routes(
    active: ActiveModel, ids: PredictionIds, store: FeedbackStore, observer: Observer, *, longest_s: float
) -> APIBlueprint:
    """The blueprint with /feedback, taken for `longest_s` after the prediction."""
    routes = APIBlueprint("feedback", __name__)

    @routes.post("/feedback")
    @documented(
        summary="Correct one prediction",
        description="May be sent again: the last word counts, and the same word twice is one. "
        "200 means that it is stored.",
        tag="model",
        body=FeedbackRequest,
        body_example=FEEDBACK_EXAMPLE,
        reply=FeedbackRequest,
        reply_example=FEEDBACK_EXAMPLE,
        problems={
            400: "not JSON in UTF-8",
            404: "no prediction of this service has that id",
            410: "the prediction is older than feedback is taken for; names the limit and the age",
            413: "the body is longer than the limit that the reply names",
            415: "not application/json",
            422: "a field is missing, unknown or of the wrong type, or the label is not one of the model's",
            503: "it could not be stored, or no model is loaded; Retry-After says when to send it again",
        },
    )
    def give_feedback() -> Response:
        body = read_json(FeedbackRequest)
        feedback = _judged(body, active, ids, longest_s)
        if _stored(feedback, store):
            observer.corrected(feedback)
        return jsonify(id=body.id, label=body.label)

    return routes


def _judged(body: FeedbackRequest, active: ActiveModel, ids: PredictionIds, longest_s: float) -> Feedback:
    try:
        return judge_feedback(body.id, body.label, ids, active, time(), longest_s=longest_s)
    except PredictionUnknown:
        raise Problem(404, "Not Found", "No prediction of this service has that id.") from None
    except TooLate as late:
        raise _too_late(late) from None
    except OfAnotherTask:
        detail = "Feedback is taken on verdicts of /predict; this one is of another route."
        raise _unfit("id", detail) from None
    except LabelUnknown as error:
        detail = f"Must be one of {', '.join(error.labels)}, or null to withdraw."
        raise _unfit("label", detail) from None
    except NoModel:
        raise no_model() from None


def _unfit(field: str, detail: str) -> Problem:
    errors: list[FieldError] = [{"field": field, "detail": detail}]
    return Problem(422, "Unprocessable Content", f"The body does not fit: {field}.", errors=errors)


def _too_late(late: TooLate) -> Problem:
    limit, age = late.limit_s / HOUR_S, late.age_s / HOUR_S
    detail = f"Feedback is taken for {limit:g} hours after the prediction; this one is {age:.1f} hours old."
    return Problem(410, "Gone", detail, extensions={"limit_hours": limit, "age_hours": round(age, 1)})


def _stored(feedback: Feedback, store: FeedbackStore) -> bool:
    try:
        return store.put(feedback)
    except FeedbackNotStored as error:
        log.error("feedback_not_stored", reason=str(error))  # noqa: TRY400 - the reason says it; frames would not
        detail = "The feedback could not be stored; send it again."
        raise Problem(503, "Service Unavailable", detail, headers={"Retry-After": "1"}) from None
