"""The route that classifies a text."""

from time import perf_counter, time

import structlog
from apiflask import APIBlueprint
from flask import Response
from lib_web.documentation import documented
from lib_web.json_body import read_json
from lib_web.text_body import text_body
from pydantic_core import to_json

from model_service.domain import ActiveModel, Observer
from model_service.domain.verdict import Classify
from model_service.http.documents import VERDICT_EXAMPLE, VerdictDocument
from model_service.http.model_version import answered_by
from model_service.http.readiness import no_model

__all__ = ["predict_routes"]


def predict_routes(
    active: ActiveModel, classify: Classify, observer: Observer, *, max_text_chars: int, service_version: str
) -> APIBlueprint:
    """The blueprint with /predict; texts up to `max_text_chars` characters."""
    routes = APIBlueprint("predict", __name__)
    request_body = text_body("PredictRequest", max_text_chars)

    @routes.post("/predict")
    @documented(
        summary="Classify one text",
        description="The text is not kept and not logged.",
        tag="model",
        body=request_body,
        body_example={"text": "The soup was cold."},
        reply=VerdictDocument,
        reply_example=VERDICT_EXAMPLE,
        problems={
            400: "not JSON in UTF-8",
            413: "the body is longer than the limit that the reply names",
            415: "not application/json",
            422: "text is missing, blank, too long or holds NUL, or another field was sent",
            503: "no model is loaded; Retry-After says when to ask again",
        },
    )
    def predict() -> Response:
        text = read_json(request_body).text
        model = active.model
        if model is None:
            raise no_model()
        answered_by(model)
        started = perf_counter()
        verdict = classify(text, model, time())
        observer.predicted(verdict, perf_counter() - started)
        structlog.contextvars.bind_contextvars(
            label=verdict["label"], model_version=model.version, text_chars=len(text)
        )
        body = to_json(verdict | {"service_version": service_version})
        return Response(body, mimetype="application/json")

    return routes
