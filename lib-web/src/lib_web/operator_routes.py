"""The routes that an operator finds on every service: /livez, /readyz, /version, /metrics, /docs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from apiflask import APIBlueprint
from flask import Flask, Response, jsonify, render_template
from lib_version import BuildInfo
from prometheus_client import CONTENT_TYPE_LATEST

from lib_web.documentation import documented
from lib_web.metrics import exposition
from lib_web.problems import Problem
from lib_web.readiness import Readiness, is_ending
from lib_web.workers import worker_of

__all__ = ["OPERATOR_ROUTES", "operator_routes"]

OPERATOR_ROUTES = frozenset(
    {"/livez", "/readyz", "/version", "/metrics", "/openapi.json", "/docs", "/docs/<path:filename>"}
)
# Swagger UI writes style attributes and shows its icons from data: URLs; everything else comes from here.
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_TAG = "operator"


def operator_routes(
    app: Flask, build: BuildInfo, ready: Callable[[], Readiness], about: Callable[[], dict[str, Any]]
) -> APIBlueprint:
    """The blueprint with the operator's routes of `app`."""
    folder = Path(__file__).parent
    routes = APIBlueprint(
        "operator",
        __name__,
        static_folder=str(folder / "static"),
        static_url_path="/docs",
        template_folder=str(folder / "templates"),
    )

    @routes.get("/livez")
    @documented(summary="Is the process alive?", tag=_TAG)
    def livez() -> Response:
        return jsonify(alive=True)

    @routes.get("/readyz")
    @documented(summary="Can it answer now?", tag=_TAG, problems={503: "not now; Retry-After says when to ask again"})
    def readyz() -> Response:
        readiness = ready()
        answering = readiness.ready and not is_ending(worker_of(app).folder)
        members = {"ready": answering, "readiness": readiness.detail}
        if not answering:
            detail = "The service can not answer now."
            headers = {"Retry-After": "1"}
            raise Problem(503, "Service Unavailable", detail, headers=headers, extensions=members)
        return jsonify(members)

    @routes.get("/version")
    @documented(summary="What is running?", tag=_TAG)
    def version() -> Response:
        return jsonify(build.as_dict() | about())

    @routes.get("/metrics")
    @documented(summary="Prometheus metrics", tag=_TAG, content_type="text/plain")
    def metrics() -> Response:
        return Response(exposition(app), content_type=CONTENT_TYPE_LATEST)

    @routes.get("/docs")
    @documented(summary="This document, to read and try", hide=True)
    def docs() -> Response:
        page = render_template("lib_web/docs.html", title=app.title)  # type: ignore[attr-defined]  # an APIFlask
        return Response(page, mimetype="text/html", headers={"Content-Security-Policy": _DOCS_POLICY})

    return routes
