"""Every kind of failure that has a name: its type URI, its status, and the page that explains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import structlog
from apiflask import APIBlueprint
from flask import Flask, Response
from lib_web.documentation import documented
from lib_web.problems import FieldError, Problem, problem_response

from model_service.domain import AnswerNotEncodable, ClassifierFailed

__all__ = ["KINDS", "Kind", "answer_failures", "problem", "problem_of", "problem_pages"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kind:
    """`status` is None for what stops the service before it can answer."""

    status: int | None
    title: str
    meaning: str
    remedy: str


KINDS: Mapping[str, Kind] = {
    "classifier-failed": Kind(
        500,
        "Classifier Failed",
        "The model was asked for this text and failed. Other texts may be answered.",
        "Tell the operator the request id: the log has the place, without the text.",
    ),
    "request-not-decodable": Kind(
        400,
        "Request Not Decodable",
        "The bytes of the body or of the query are not what they are said to be: not JSON, or not UTF-8.",
        "Send JSON in UTF-8, percent-encoded UTF-8 in a query, and Content-Type: application/json.",
    ),
    "answer-not-encodable": Kind(
        500,
        "Answer Not Encodable",
        "The model answered with a number that JSON does not have (not a number, or infinity).",
        "Tell the operator the request id and the model's version: the model's weights are at fault.",
    ),
    "no-such-task": Kind(
        404,
        "No Such Task",
        "This service is not set up for the task that the route stands for.",
        "Ask a service whose settings name a model for it (MODEL_SERVICE_NETWORKS, MODEL_SERVICE_MODERATION).",
    ),
    "no-model": Kind(
        503,
        "No Model",
        "The model that would answer is not loaded yet.",
        "Ask again after the seconds in Retry-After; /readyz and /models say what it waits for.",
    ),
    "unauthorized": Kind(
        401,
        "Unauthorized",
        "The route asks for a token and none was sent, or the one that was sent is not valid (any more).",
        "Send a valid token: Authorization: Bearer …",
    ),
    "too-many-requests": Kind(
        429,
        "Too Many Requests",
        "This caller has used up what it may ask in this time.",
        "Ask again after the seconds in Retry-After.",
    ),
    "wrong-settings": Kind(
        None,
        "Wrong Settings",
        "The service does not start: exit code 2, and a line wrong_settings in the log that names each setting.",
        "Mend the settings that the line names.",
    ),
}


def problem(
    kind: str,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> Problem:
    """A Problem of that kind; KeyError for one that is not in the table."""
    status, title = KINDS[kind].status, KINDS[kind].title
    if status is None:
        raise KeyError(kind)
    type_ = f"/problems/{kind}"
    return Problem(status, title, detail, type_=type_, errors=errors, headers=headers, extensions=extensions)


def problem_of(failure: ClassifierFailed | AnswerNotEncodable) -> Problem:
    """The domain's failure on one text as a problem, said in the log, too."""
    if isinstance(failure, AnswerNotEncodable):
        log.error("answer_not_encodable", model=failure.model)
        return problem("answer-not-encodable", "The model's answer holds a number that is none.")
    # The exception's words may quote the text; its type and frames do not.
    log.error("classifier_failed", reason=failure.reason, model=failure.model, exc_info=failure.__cause__)
    return problem("classifier-failed", "The model failed on this text.")


def answer_failures(app: Flask) -> None:
    """Answer the domain's failures, wherever a view meets them."""

    def answer(failure: ClassifierFailed | AnswerNotEncodable) -> Response:
        return problem_response(problem_of(failure))

    app.register_error_handler(ClassifierFailed, answer)
    app.register_error_handler(AnswerNotEncodable, answer)


def problem_pages() -> APIBlueprint:
    """The blueprint with a page for each kind, at its type URI."""
    routes = APIBlueprint("problems", __name__)

    @routes.get("/problems/<kind>")
    @documented(
        summary="What a kind of problem means",
        tag="operator",
        content_type="text/html",
        problems={404: "no problem of this service is called so"},
    )
    def problem_page(kind: str) -> Response:
        if kind not in KINDS:
            raise Problem(404, "Not Found", "No problem of this service is called so.")
        return Response(_page(KINDS[kind]), mimetype="text/html")

    return routes


def _page(kind: Kind) -> str:
    status = f" ({kind.status})" if kind.status else ""
    title = escape(kind.title + status)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
        f"<p>{escape(kind.meaning)}</p><p>{escape(kind.remedy)}</p></html>\n"
    )
