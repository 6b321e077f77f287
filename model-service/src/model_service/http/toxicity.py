"""The toxicity API, version 1: the shapes that its clients have compiled in."""

import re
from time import perf_counter
from typing import Annotated, Any, cast

import structlog
from apiflask import APIBlueprint
from flask import Response, jsonify, request
from lib_web.bounded_request import BoundedRequest
from lib_web.documentation import documented
from lib_web.json_body import Body, parse_json
from lib_web.problems import FieldError, Problem
from lib_web.text_body import text_field
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, create_model
from pydantic_core import PydanticCustomError, to_json

from model_service.domain import (
    EncodingUnknown,
    Model,
    Models,
    NotInThatEncoding,
    Observer,
    canonical,
    encoding_named,
    to_utf8,
)
from model_service.http.call_counting import metered
from model_service.http.documents import Share
from model_service.http.model_version import answered_by
from model_service.http.problem_types import problem
from model_service.http.readiness import no_model

__all__ = ["toxicity_routes"]

_MAX_ID_CHARS = 200
_INT64 = 2**63
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}")


def _request_id(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
        return value
    if isinstance(value, str) and len(value) <= _MAX_ID_CHARS:
        return value
    raise PydanticCustomError("request_id", "Must be an integer of 64 bits, or a string of at most 200 characters.")


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise PydanticCustomError("language", "Must be a language tag such as en-US.")
    return value


_ID_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": -_INT64, "maximum": _INT64 - 1},
        {"type": "string", "maxLength": _MAX_ID_CHARS},
    ],
    "description": "The reply repeats it",
}


class ToxicityRequest(Body):
    """A text, and how to look at it."""

    request_id: Annotated[Any, AfterValidator(_request_id), WithJsonSchema(_ID_SCHEMA)]
    text: str
    network: Annotated[str, Field(max_length=63, description="Which model, by name")] = "mlp"
    language: Annotated[str, AfterValidator(_language), Field(max_length=45, description="BCP 47")] = "en-US"
    encoding_type: Annotated[str, Field(max_length=40, description="What the body is encoded in")] = "UTF-8"


class SentimentDocument(BaseModel):
    """One label."""

    sentiment_type: str
    sentiment_score: Share


class ToxicityDocument(BaseModel):
    """The six labels, always in this order: toxic, severe_toxic, obscene, threat, insult, identity_hate."""

    request_id: Annotated[Any, WithJsonSchema(_ID_SCHEMA)]
    sentiment: list[SentimentDocument]
    language: str


class HealthDocument(BaseModel):
    """That it answers."""

    message: str


_HEALTH = {"message": "Application is up and running"}
_REQUEST_EXAMPLE = {
    "request_id": 1234,
    "text": "hello",
    "network": "mlp",
    "language": "en-US",
    "encoding_type": "UTF-8",
}
_SCORES = (("toxic", 0.02), ("severe_toxic", 0.0), ("obscene", 0.01), ("threat", 0.0), ("insult", 0.01))
_REPLY_EXAMPLE = {
    "request_id": 1234,
    "sentiment": [
        {"sentiment_type": label, "sentiment_score": score} for label, score in (*_SCORES, ("identity_hate", 0.0))
    ],
    "language": "en-US",
}


def toxicity_routes(models: Models, observer: Observer, *, max_text_chars: int) -> APIBlueprint:
    """The blueprint with /api/v1/health and /api/v1/predict; texts up to `max_text_chars` characters."""
    routes = APIBlueprint("toxicity", __name__, url_prefix="/api/v1")
    field = text_field(max_text_chars, "What somebody wrote")
    request_body: type[ToxicityRequest] = create_model("ToxicityRequest", __base__=ToxicityRequest, text=(field, ...))

    @routes.get("/health")
    @documented(summary="Does it answer?", tag="toxicity", reply=HealthDocument, reply_example=_HEALTH)
    def toxicity_health() -> Response:
        return jsonify(_HEALTH)

    @routes.post("/predict")
    @documented(
        summary="Score a text for six kinds of toxicity",
        description="The text is not kept and not logged.",
        tag="toxicity",
        body=request_body,
        body_example=_REQUEST_EXAMPLE,
        reply=ToxicityDocument,
        reply_example=_REPLY_EXAMPLE,
        problems={
            400: "not JSON",
            404: "this service has no networks in its settings",
            413: "the body is longer than the limit that the reply names",
            415: "not application/json",
            422: "a field does not fit, or names no network, language or encoding of ours",
            500: "the model failed on this text, or answered with a number that JSON does not have",
            503: "that network has no model yet; Retry-After says when to ask again",
        },
    )
    def toxicity_predict() -> Response:
        body = _read(request_body)
        model = _model_of(models, body.network)
        _check_language(body.language, model)
        answered_by(model)
        metered(len(body.text))
        started = perf_counter()
        scores = model.probabilities(body.text)
        flagged = any(score >= threshold for score, threshold in zip(scores, model.thresholds, strict=True))
        observer.moderated(body.network, model, flagged, perf_counter() - started)
        structlog.contextvars.bind_contextvars(
            network=body.network, flagged=flagged, model_version=model.version, text_chars=len(body.text)
        )
        sentiment = [
            {"sentiment_type": label, "sentiment_score": score}
            for label, score in zip(model.labels, scores, strict=True)
        ]
        reply = {"request_id": body.request_id, "sentiment": sentiment, "language": body.language}
        return Response(to_json(reply), mimetype="application/json")

    return routes


def _model_of(models: Models, network: str) -> Model:
    if not models.networks:
        raise problem("no-such-task", "This service has no networks in its settings.")
    active = models.networks.get(network)
    if active is None:
        raise _field_problem("network", f"Must be one of {', '.join(models.networks)}.")
    if active.model is None:
        raise no_model()
    return active.model


def _check_language(language: str, model: Model) -> None:
    if re.split("[-_]", language)[0].lower() not in model.languages:
        raise _field_problem("language", f"This model reads {', '.join(model.languages)} alone.")


def _read(model: type[ToxicityRequest]) -> ToxicityRequest:
    """The body, decoded as its own encoding_type says."""
    if request.mimetype != "application/json":
        errors: list[FieldError] = [{"field": "Content-Type", "detail": "Must be application/json."}]
        detail = "Send the body as application/json."
        raise Problem(415, "Unsupported Media Type", detail, errors=errors, headers={"Accept": "application/json"})
    raw = cast("BoundedRequest", request).read_body()
    codec = _codec(encoding_named(raw) or "UTF-8")
    charset = request.mimetype_params.get("charset")
    if charset is not None and _codec(charset, "Content-Type") != codec:
        raise _field_problem("encoding_type", "Contradicts the charset of Content-Type.")
    try:
        body = parse_json(model, raw if codec == "utf_8" else to_utf8(raw, codec))
    except NotInThatEncoding:
        raise _field_problem("encoding_type", "The body is not in this encoding.") from None
    if _codec(body.encoding_type) != codec:
        raise _field_problem("encoding_type", "Must be written once and without escapes.")
    return body


def _codec(name: str, field: str = "encoding_type") -> str:
    try:
        return canonical(name)
    except EncodingUnknown:
        raise _field_problem(field, "No encoding of text is called so.") from None


def _field_problem(field: str, detail: str) -> Problem:
    errors: list[FieldError] = [{"field": field, "detail": detail}]
    return Problem(422, "Unprocessable Content", f"The body does not fit: {field}.", errors=errors)
