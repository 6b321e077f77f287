"""The route that classifies one text or many."""

import re
from collections.abc import Callable
from time import perf_counter, time
from typing import Annotated, Any
from urllib.parse import quote

import structlog
from apiflask import APIBlueprint
from flask import Response, g, request
from lib_web.documentation import documented
from lib_web.hot_path import Answer, PlainReply
from lib_web.json_body import Body, json_bytes, parse_json
from lib_web.text_body import text_field
from pydantic import Field, create_model
from pydantic_core import to_json

from model_service.domain import ActiveModel, Model
from model_service.http.batches import Batch, Scoring
from model_service.http.call_counting import metered
from model_service.http.documents import VERDICT_EXAMPLE, BatchDocument, VerdictDocument
from model_service.http.model_version import answered_by, version_header
from model_service.http.readiness import no_model

__all__ = ["TextsBody", "plain_predict", "predict_routes"]

NDJSON = "application/x-ndjson"
# How a body of many texts begins; a longer one is read only then.
_MANY = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*(?:"explain"[^,]{1,40},[ \t\n\r]*)?"texts"')
Explain = Annotated[bool, Field(description="false: no `explanation`, which is quicker, above all for many texts")]


class TextBody(Body):
    """A body with one text; make the one with the limit by `one_body`."""

    text: str
    explain: Explain = True


class TextsBody(Body):
    """A body with many texts; make the one with the limits by `texts_body`."""

    texts: list[Any]
    explain: Explain = True


def one_body(name: str, max_chars: int) -> type[TextBody]:
    """The model `name`: a text under the rules of every service."""
    return create_model(name, __base__=TextBody, text=(text_field(max_chars, "The review"), ...))


def texts_body(name: str, max_texts: int) -> type[TextsBody]:
    """The model `name`: 1 to `max_texts` items. What each must be is looked at on its own, not to fail the others."""
    limit = Field(
        min_length=1,
        max_length=max_texts,
        description="The texts; one that breaks the rules of `text` gets a problem in its place",
    )
    return create_model(name, __base__=TextsBody, texts=(Annotated[list[Any], limit], ...))


def predict_routes(
    active: ActiveModel, scoring: Scoring, *, max_texts: int, max_body_bytes: int, max_batch_bytes: int
) -> APIBlueprint:
    """The blueprint with /predict; a body that begins with "texts" may have `max_batch_bytes`."""
    routes = APIBlueprint("predict", __name__)
    one, many = one_body("PredictRequest", scoring.max_text_chars), texts_body("BatchRequest", max_texts)

    def limit(opening: bytes) -> int:
        return max_batch_bytes if _MANY.match(opening) else max_body_bytes

    @routes.post("/predict")
    @documented(
        summary="Classify one text or many",
        description="The texts are not kept and not logged. With `Accept: application/x-ndjson` there is one line a "
        "text, sent as it is scored. A body of many texts begins with `texts`, or with `explain` and then `texts`.",
        tag="model",
        body=(one, many),
        body_example={"text": "The soup was cold."},
        reply=(VerdictDocument, BatchDocument),
        reply_example=VERDICT_EXAMPLE,
        other_replies={NDJSON: "A line of JSON a text: a verdict or a problem"},
        problems={
            400: "not JSON in UTF-8",
            413: "the body is longer than the limit that the reply names",
            415: "not application/json, or an unknown Content-Encoding",
            422: "text is missing, blank, too long or holds NUL; texts has none or too many; another field was sent",
            500: "the model failed on this text",
            503: "no model is loaded; Retry-After says when to ask again",
        },
    )
    def predict() -> Response:
        body = json_bytes(limit)
        if _MANY.match(body):
            return _answer_many(parse_json(many, body), active, scoring)
        return _answer_one(parse_json(one, body), active, scoring)

    return routes


def _answer_one(asked: TextBody, active: ActiveModel, scoring: Scoring) -> Response:
    model = _model(active)
    metered(len(asked.text))
    body, said = _verdict(asked, model, scoring)
    structlog.contextvars.bind_contextvars(**said)
    if _wants_lines():
        return Response(body + b"\n", mimetype=NDJSON)
    return Response(body, mimetype="application/json")


def plain_predict(active: ActiveModel, scoring: Scoring, count: Callable[[], None]) -> Answer:
    """The hot path's answer to a body of one text; `count` is told of each. Raises what the route does."""
    body_model = one_body("PredictRequest", scoring.max_text_chars)

    def answer(body: bytes) -> PlainReply | None:
        model = active.model
        if model is None or _MANY.match(body):
            return None
        document, said = _verdict(body_model.model_validate_json(body), model, scoring)
        count()
        return PlainReply(document, (version_header(model),), said)

    return answer


def _verdict(asked: TextBody, model: Model, scoring: Scoring) -> tuple[bytes, dict[str, Any]]:
    """The verdict in JSON, and what the log says of it."""
    started = perf_counter()
    verdict = scoring.classify(asked.text, model, explain=asked.explain)
    scoring.observer.predicted(verdict, perf_counter() - started)
    label = verdict["label"]
    said = {"label": label, "model_version": model.version, "text_chars": len(asked.text)}
    named = scoring.ids.issue(model.id_bytes, model.label_index[label], time())
    return to_json({"id": named, **verdict, "service_version": scoring.service_version}), said


def _answer_many(body: TextsBody, active: ActiveModel, scoring: Scoring) -> Response:
    model = _model(active)
    where = {"instance": quote(request.path), "request_id": g.request_id}
    batch = Batch(body.texts, model, scoring, where, explain=body.explain)
    metered(batch.characters)
    said = {"model_version": model.version, "texts": len(body.texts), "text_chars": batch.characters}
    structlog.contextvars.bind_contextvars(**said)
    if _wants_lines():
        return Response(batch.lines(), mimetype=NDJSON)
    document = batch.document()
    structlog.contextvars.bind_contextvars(answered=batch.answered)
    return Response(document, mimetype="application/json")


def _model(active: ActiveModel) -> Model:
    model = active.model
    if model is None:
        raise no_model()
    answered_by(model)
    return model


def _wants_lines() -> bool:
    """Whether the client likes lines better; whatever else it accepts, it gets JSON."""
    if "ndjson" not in request.environ.get("HTTP_ACCEPT", ""):
        return False
    return request.accept_mimetypes.best_match(("application/json", NDJSON)) == NDJSON
