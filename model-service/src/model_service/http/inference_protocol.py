"""The Open Inference Protocol, version 2, over every model of the service.

https://github.com/kserve/open-inference-protocol, with its extension for binary tensors.
"""

from collections import Counter
from collections.abc import Callable
from itertools import chain
from time import perf_counter
from typing import Any, cast

import structlog
from apiflask import APIBlueprint
from flask import Response, jsonify, request
from lib_web.bounded_request import BoundedRequest
from lib_web.documentation import documented
from lib_web.json_body import parse_json
from lib_web.problems import PROBLEM_MIMETYPE, Problem
from lib_web.readiness import Readiness
from lib_web.text_body import text_fault
from pydantic_core import from_json, to_json

from model_service.domain import ActiveModel, Model, Models, Observer
from model_service.domain.verdict import Tally
from model_service.http.call_counting import metered
from model_service.http.documents import (
    INFER_EXAMPLE,
    INFERRED_EXAMPLE,
    InferredDocument,
    ModelMetadataDocument,
    ModelReadyDocument,
    ServerLiveDocument,
    ServerMetadataDocument,
    ServerReadyDocument,
)
from model_service.http.model_version import answered_by
from model_service.http.readiness import no_model
from model_service.http.tensors import InferOutput, InferRequest, Tensor, refused, split_body, texts_of

__all__ = ["inference_protocol_routes"]

HEADER_LENGTH = "Inference-Header-Content-Length"
OCTETS = "application/octet-stream"
LABEL, PROBABILITIES = "label", "probabilities"
_TAG = "open inference protocol"
_MISSING = {404: "no model has that name or that version"}
_MODEL = ("/models/<name>", "/models/<name>/versions/<version>")


def inference_protocol_routes(
    models: Models,
    observer: Observer,
    ready: Callable[[], Readiness],
    *,
    service_version: str,
    max_text_chars: int,
    max_texts: int,
    max_batch_bytes: int,
) -> APIBlueprint:
    """The blueprint with /v2."""
    routes = APIBlueprint("inference_protocol", __name__, url_prefix="/v2")
    routes.after_request(_said_both_ways)

    @routes.get("")
    @documented(summary="The server, to the protocol", tag=_TAG, reply=ServerMetadataDocument)
    def server_metadata() -> Response:
        return jsonify(name="palate-model-service", version=service_version, extensions=["binary_tensor_data"])

    @routes.get("/health/live")
    @documented(summary="Is the server alive?", tag=_TAG, reply=ServerLiveDocument)
    def server_live() -> Response:
        return jsonify(live=True)

    @routes.get("/health/ready")
    @documented(summary="Is the server ready?", tag=_TAG, reply=ServerReadyDocument, problems={503: "not now"})
    def server_ready() -> Response:
        if not ready().ready:
            raise no_model()
        return jsonify(ready=True)

    def model_metadata(name: str, version: str | None = None) -> Response:
        return jsonify(_metadata(name, _loaded(models, name, version)))

    def model_ready(name: str, version: str | None = None) -> Response:
        _loaded(models, name, version)
        return jsonify(name=name, ready=True)

    def infer(name: str, version: str | None = None) -> Response:
        mimetype = request.mimetype
        if mimetype not in {"application/json", OCTETS, ""}:
            raise Problem(415, "Unsupported Media Type", f"Send application/json or {OCTETS}.")
        body = cast("BoundedRequest", request).read_body(lambda _: max_batch_bytes)
        header, rest = split_body(body, request.environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH"))
        asked = parse_json(InferRequest, header)
        texts = _checked(texts_of(asked.inputs[0], rest), max_texts, max_text_chars)
        model = _loaded(models, name, version)
        answered_by(model)
        wanted = _wanted(asked)
        outputs = _scored(texts, name, model, observer, primary=model is models.primary.model)
        answer = {"model_name": name, "model_version": model.version}
        if asked.id is not None:
            answer["id"] = asked.id
        return _rendered(answer, [(outputs[output], binary) for output, binary in wanted])

    _add(
        routes,
        "",
        model_metadata,
        documented(
            summary="A model, to the protocol",
            description="The class names are in `parameters.labels`, in the order of `probabilities`.",
            tag=_TAG,
            reply=ModelMetadataDocument,
            problems=_MISSING | {503: "it is not loaded yet"},
        ),
    )
    _add(
        routes,
        "/ready",
        model_ready,
        documented(
            summary="Is a model ready?",
            tag=_TAG,
            reply=ModelReadyDocument,
            problems=_MISSING | {503: "it is not loaded yet"},
        ),
    )
    _add(
        routes,
        "/infer",
        infer,
        documented(
            summary="Classify a tensor of texts",
            description="One input of BYTES. One text that does not fit refuses all of them, since the protocol has "
            f"no place for one error among answers. With `{HEADER_LENGTH}` the texts follow the JSON as bytes.",
            tag=_TAG,
            body=InferRequest,
            body_example=INFER_EXAMPLE,
            other_bodies={OCTETS: f"JSON, {HEADER_LENGTH} long, then the texts, each after its length"},
            reply=InferredDocument,
            reply_example=INFERRED_EXAMPLE,
            other_replies={OCTETS: f"JSON, {HEADER_LENGTH} long, then the outputs that were asked for as bytes"},
            problems=_MISSING
            | {
                400: "not JSON in UTF-8, or the bytes behind it are no texts",
                413: "the body is longer than the limit that the reply names",
                415: "another content type",
                422: "a member is missing or does not fit, or a text does not",
                500: "the model failed on a text",
                503: "the model is not loaded yet",
            },
        ),
        methods=("POST",),
    )
    return routes


def _add(
    routes: APIBlueprint,
    path: str,
    view: Callable[..., Response],
    note: Callable[[Callable[..., Response]], Callable[..., Response]],
    methods: tuple[str, ...] = ("GET",),
) -> None:
    for model in _MODEL:
        endpoint = view.__name__ + ("_of_version" if "version" in model else "")
        routes.add_url_rule(model + path, endpoint, note(view), methods=methods)


def _named(models: Models) -> dict[str, ActiveModel]:
    """Each model by the name that the protocol's clients use: the networks' by theirs, the primary's by its own."""
    primary = models.primary
    name = primary.model.name if primary.model else primary.alias.partition("/")[0]
    return {**models.networks, name: primary}


def _loaded(models: Models, name: str, version: str | None) -> Model:
    active = _named(models).get(name)
    if active is None:
        raise Problem(404, "Not Found", f"No model has that name; there are: {', '.join(sorted(_named(models)))}.")
    model = active.model
    if model is None:
        raise no_model()
    if version is not None and version != model.version:
        raise Problem(404, "Not Found", f"The model has another version: {model.version}.")
    return model


def _metadata(name: str, model: Model) -> dict[str, Any]:
    count = len(model.labels)
    return {
        "name": name,
        "versions": [model.version],
        "platform": "palate_linear",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": LABEL, "datatype": "BYTES", "shape": [-1]},
            {"name": PROBABILITIES, "datatype": "FP64", "shape": [-1, count]},
        ],
        "parameters": {"labels": list(model.labels), "sha256": model.sha256},
    }


def _checked(texts: list[Any], max_texts: int, max_text_chars: int) -> list[str]:
    if not 1 <= len(texts) <= max_texts:
        raise refused("inputs.0.data", f"Must have 1 to {max_texts} texts.")
    for place, text in enumerate(texts):
        fault = text_fault(text, max_text_chars)
        if fault is not None:
            raise refused(f"inputs.0.data.{place}", fault)
    return texts


def _wanted(asked: InferRequest) -> list[tuple[str, bool]]:
    """The outputs by name, and whether each goes as bytes."""
    all_binary = (asked.parameters or {}).get("binary_data_output") is True
    if not asked.outputs:
        return [(LABEL, all_binary), (PROBABILITIES, all_binary)]
    return [_output(place, output, all_binary=all_binary) for place, output in enumerate(asked.outputs)]


def _output(place: int, output: InferOutput, *, all_binary: bool) -> tuple[str, bool]:
    if output.name not in {LABEL, PROBABILITIES}:
        raise refused(f"outputs.{place}.name", f"Must be {LABEL} or {PROBABILITIES}.")
    return output.name, (output.parameters or {}).get("binary_data", all_binary) is True


def _scored(texts: list[str], name: str, model: Model, observer: Observer, *, primary: bool) -> dict[str, Tensor]:
    characters = sum(map(len, texts))
    metered(characters)
    structlog.contextvars.bind_contextvars(model_version=model.version, texts=len(texts), text_chars=characters)
    rows, seconds = _rows(texts, model)
    labels = [max(zip(row, model.labels, strict=True))[1] for row in rows]
    if primary:
        observer.predicted_many(Tally(model.version, Counter(labels), seconds))
    else:
        for row, each in zip(rows, seconds, strict=True):
            flagged = any(share >= bound for share, bound in zip(row, model.thresholds, strict=True))
            observer.moderated(name, model, flagged, each)
    shape = [len(rows)]
    return {
        LABEL: Tensor(LABEL, "BYTES", shape, labels),
        PROBABILITIES: Tensor(PROBABILITIES, "FP64", [*shape, len(model.labels)], list(chain.from_iterable(rows))),
    }


def _rows(texts: list[str], model: Model) -> tuple[list[tuple[float, ...]], list[float]]:
    """The probabilities of each text, and the seconds that each took."""
    rows, seconds = [], []
    for text in texts:
        started = perf_counter()
        rows.append(model.probabilities(text))
        seconds.append(perf_counter() - started)
    return rows, seconds


def _rendered(answer: dict[str, Any], outputs: list[tuple[Tensor, bool]]) -> Response:
    described, behind = [], []
    for tensor, binary in outputs:
        if binary:
            document, raw = tensor.binary()
            behind.append(raw)
        else:
            document = tensor.document()
        described.append(document)
    header = to_json(answer | {"outputs": described})
    if not behind:
        return Response(header, mimetype="application/json")
    reply = Response(header + b"".join(behind), mimetype=OCTETS)
    reply.headers[HEADER_LENGTH] = str(len(header))
    return reply


def _said_both_ways(response: Response) -> Response:
    """A problem with the protocol's own member beside, for a client that knows no other."""
    if response.mimetype == PROBLEM_MIMETYPE:
        problem = from_json(response.get_data())
        faults = "".join(f" {error['field']}: {error['detail']}" for error in problem.get("errors", []))
        response.set_data(to_json(problem | {"error": problem["detail"] + faults}))
    return response
