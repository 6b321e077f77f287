"""A new service: the Flask app with all that an operator and a caller may expect of every one of ours."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import structlog
from apiflask import APIFlask
from flask import Flask, Request, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import NullSession, SessionInterface
from lib_version import BuildInfo
from pydantic_core import from_json, to_json
from werkzeug.routing import MapAdapter

from lib_web.bounded_request import BoundedRequest
from lib_web.compression import with_compression
from lib_web.documentation import finished
from lib_web.edge import REQUEST_ID, with_edge_headers
from lib_web.hot_path import HotPath
from lib_web.metrics import HttpMetrics, method_of, route_of
from lib_web.operator_routes import OPERATOR_ROUTES, operator_routes
from lib_web.problems import register_problems
from lib_web.readiness import Readiness

__all__ = ["Readiness", "hot_path", "new_service"]

_HOT_PATH = "lib_web.hot_path"

log = structlog.get_logger()


class NoSessions(SessionInterface):
    """No service here keeps a session; Flask's own way would look for a cookie in every request."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 - Flask's signature
        return self._none


class Service(APIFlask):
    """An APIFlask without what none of our services uses and every request would pay for."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view is async; Flask would ask every view and hook at every request whether it is one."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's, but no route depends on the host, so its name is not looked up, checked and converted."""
        if request is None:
            return super().create_url_adapter(request)
        return MapAdapter(
            self.url_map,
            server_name=request.environ.get("HTTP_HOST", ""),
            script_name=request.root_path or "/",
            subdomain="",
            url_scheme=request.scheme,
            path_info=request.path,
            default_method=request.method,
            query_args=request.query_string.decode("latin-1"),
        )


class StrictJSONProvider(DefaultJSONProvider):
    """JSON without NaN, nested no deeper than the parser allows, written and read by compiled code."""

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:  # noqa: ANN401 - Flask's signature
        """Raises ValueError for whatever is not JSON, depth and lone surrogates included."""
        return from_json(s, allow_inf_nan=False)

    def dumps(self, obj: Any, **_kwargs: Any) -> str:  # noqa: ANN401 - Flask's signature
        """NaN becomes null: a reply is JSON for every reader."""
        return to_json(obj, inf_nan_mode="null").decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - Flask's signature
        """`jsonify`."""
        body = to_json(self._prepare_response_obj(args, kwargs), inf_nan_mode="null")
        return Response(body, mimetype="application/json")


def new_service(
    component: str,
    *,
    title: str,
    description: str,
    max_body_bytes: int,
    build: BuildInfo,
    ready: Callable[[], Readiness],
    about: Callable[[], dict[str, Any]] = dict,
) -> APIFlask:
    """The app of `component`, without views of its own yet.

    `max_body_bytes` is the longest body any view may read (413 beyond). `ready` is asked by every /readyz;
    `about` adds its members to /version. Replies get the security headers and `Cache-Control: no-store`
    unless the view has set its own.
    """
    app = Service(
        "lib_web",
        title=title,
        version=build.version,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # Flask takes None, and APIFlask passes it on
    )
    app.request_class = BoundedRequest
    app.json = StrictJSONProvider(app)
    app.config.update(
        MAX_CONTENT_LENGTH=max_body_bytes,
        MAX_FORM_MEMORY_SIZE=max_body_bytes,
        INFO={"description": description},
        # The document must not depend on who asked first.
        AUTO_SERVERS=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_OPERATION_ID=True,
    )
    app.spec_callback = finished  # type: ignore[assignment]  # called with a dict, YAML is not asked for
    metrics = HttpMetrics(app, component, build)
    hot = app.extensions[_HOT_PATH] = HotPath(app.wsgi_app, partial(_finish_hot, metrics))
    app.wsgi_app = with_edge_headers(with_compression(hot))  # type: ignore[method-assign, assignment]  # Flask's own way
    register_problems(app)
    _watch_requests(app, metrics)
    app.register_blueprint(operator_routes(app, build, ready, about))
    return app


def hot_path(app: Flask) -> HotPath:
    """Where `app` may register answers that need nothing of Flask."""
    hot: HotPath = app.extensions[_HOT_PATH]
    return hot


def _watch_requests(app: Flask, metrics: HttpMetrics) -> None:
    def start() -> None:
        g.started = perf_counter()
        g.request_id = request.environ[REQUEST_ID]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def finish(response: Response) -> Response:
        answered = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - each look through the proxy costs
        _record(metrics, method_of(answered), route_of(answered), response.status_code, g.started)
        return response

    app.before_request(start)
    app.after_request(finish)


def _finish_hot(
    metrics: HttpMetrics, environ: dict[str, Any], route: str, started: float, said: dict[str, Any]
) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=environ[REQUEST_ID], **said)
    _record(metrics, "POST", route, 200, started)


def _record(metrics: HttpMetrics, method: str, route: str, status: int, started: float) -> None:
    """Count one reply and write its line; `started`: perf_counter's."""
    seconds = perf_counter() - started
    metrics.observe(method, route, status, seconds)
    # Probes and scrapes would be most of the log, and say nothing while they go well.
    if route not in OPERATOR_ROUTES or status >= 500:  # noqa: PLR2004 - the class of failures
        log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 3))
