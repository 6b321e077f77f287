"""The route that breaks a message down over the labels of moderation."""

from time import perf_counter, time
from typing import Any

import structlog
from apiflask import APIBlueprint
from flask import Response
from lib_web.documentation import documented
from lib_web.json_body import Body, read_json
from lib_web.query import read_query
from lib_web.text_body import text_field
from pydantic import BaseModel, Field, create_model
from pydantic_core import to_json

from model_service.domain import Model, Models, Observer, PredictionIds, moderate
from model_service.domain.prediction_id import MODERATION
from model_service.domain.verdict import Classify
from model_service.http.authentication import require_token
from model_service.http.call_counting import metered
from model_service.http.documents import CachedDocument, ModelDocument, Share, TermDocument
from model_service.http.model_version import answered_by
from model_service.http.problem_types import problem
from model_service.http.readiness import no_model

__all__ = ["classify_routes"]


class LabelDocument(BaseModel):
    """What the model says of one label."""

    probability: Share
    threshold: Share = Field(description="From here on the text is flagged for this label")
    flagged: bool


class ModerationDocument(BaseModel):
    """A message, broken down."""

    id: str = Field(description="Signed; names this verdict", min_length=56, max_length=56)
    label: str = Field(description="The likeliest label, flagged or not")
    probability: Share = Field(description="That of `label`")
    flagged: bool = Field(description="Some label is")
    labels: dict[str, LabelDocument] = Field(
        description="toxic, severe_toxic, obscene, threat, insult, identity_hate; they do not exclude each other"
    )
    explanation: list[TermDocument] = Field(description="Of `label`, strongest first")
    coverage: Share = Field(description="Share of the words that the model knows")
    model: ModelDocument
    service_version: str
    cached: CachedDocument | None = None


def _label(probability: float, threshold: float) -> dict[str, Any]:
    return {"probability": probability, "threshold": threshold, "flagged": probability >= threshold}


_EXAMPLE = {
    "id": "AQGfqvMk4AHmF5q2iCgCEb3VH1Y2sRb7C4y0eOQ2mJ8nTtqcY5uLwXzA",
    "label": "toxic",
    "probability": 0.83,
    "flagged": True,
    "labels": {
        "toxic": _label(0.83, 0.62),
        "severe_toxic": _label(0.01, 0.4),
        "obscene": _label(0.12, 0.55),
        "threat": _label(0.01, 0.3),
        "insult": _label(0.41, 0.5),
        "identity_hate": _label(0.02, 0.35),
    },
    "explanation": [{"term": "fool", "weight": 3.1}, {"term": "(intercept)", "weight": -1.51}],
    "coverage": 1.0,
    "model": {"name": "moderation", "version": "v1", "sha256": "e6" * 32},
    "service_version": "1.2.0",
}
_PROBLEMS = {
    401: "no token was sent, or one that is not valid; WWW-Authenticate says which",
    404: "this service has no model for moderation in its settings",
    422: "message is missing, blank, too long or holds NUL, or another field was sent",
    500: "the model failed on this text, or answered with a number that JSON does not have",
    503: "no model is loaded; Retry-After says when to ask again",
}


class Message(Body):
    """A message to break down."""

    message: str


def classify_routes(
    models: Models,
    classify: Classify,
    ids: PredictionIds,
    observer: Observer,
    *,
    max_text_chars: int,
    service_version: str,
) -> APIBlueprint:
    """The blueprint with /classify; messages up to `max_text_chars` characters."""
    routes = APIBlueprint("classify", __name__)
    field = text_field(max_text_chars, "What somebody wrote")
    request_body: type[Message] = create_model("ClassifyRequest", __base__=Message, message=(field, ...))

    @routes.post("/classify")
    @documented(
        summary="Break a message down over six labels of toxicity",
        description="Needs a bearer token. The message is not kept and not logged.",
        tag="moderation",
        bearer=True,
        body=request_body,
        body_example={"message": "What a fool."},
        reply=ModerationDocument,
        reply_example=_EXAMPLE,
        problems=_PROBLEMS
        | {
            400: "not JSON in UTF-8",
            413: "the body is longer than the limit that the reply names",
            415: "not application/json",
        },
    )
    def classify_body() -> Response:
        model = ready_model()
        return answer(read_json(request_body).message, model)

    @routes.get("/classify")
    @documented(
        summary="The same, for a message in the query",
        description="Needs a bearer token. Proxies may log a query; a body they do not.",
        tag="moderation",
        bearer=True,
        query=request_body,
        reply=ModerationDocument,
        reply_example=_EXAMPLE,
        problems=_PROBLEMS | {400: "the query is not percent-encoded UTF-8"},
    )
    def classify_query() -> Response:
        model = ready_model()
        return answer(read_query(request_body).message, model)

    def ready_model() -> Model:
        require_token()
        if models.moderation is None:
            raise problem("no-such-task", "This service has no model for moderation in its settings.")
        if models.moderation.model is None:
            raise no_model()
        return models.moderation.model

    def answer(message: str, model: Model) -> Response:
        answered_by(model)
        metered(len(message))
        started = perf_counter()
        moderation = moderate(classify(message, model), model)
        observer.moderated(models.moderation_name, model, moderation["flagged"], perf_counter() - started)
        structlog.contextvars.bind_contextvars(
            flagged=moderation["flagged"], model_version=model.version, text_chars=len(message)
        )
        named = ids.issue(model.id_bytes, model.label_index[moderation["label"]], time(), MODERATION)
        document = {"id": named, **moderation, "service_version": service_version}
        return Response(to_json(document), mimetype="application/json")

    return routes
