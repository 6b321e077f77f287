"""Errors as RFC 9457 documents: one shape for every refusal and failure, and the one place that makes it.

Problem                 raised by our views; everything below ends as one of these
 ^- HTTPException       werkzeug's own: unknown path, wrong method, body too large
 ^- HTTPError           apiflask's abort()
 ^- ParseException      gunicorn's: a chunked body that breaks its own framing
 ^- any other exception a bare 500; frames in the log, never the exception's words (they may quote a review)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict
from urllib.parse import quote

import structlog
from apiflask import APIFlask, HTTPError
from flask import Flask, Response, current_app, g, has_request_context, request
from gunicorn.http.errors import ParseException
from pydantic_core import to_json
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from lib_web.logging import frames

__all__ = ["PROBLEM_MIMETYPE", "FieldError", "Problem", "explain_failures", "problem_response", "register_problems"]

PROBLEM_MIMETYPE = "application/problem+json"
_RENDER = "lib_web.render_problem"
_EXPLAINS = "lib_web.explains_failures"
_JSON_MIMETYPES = (PROBLEM_MIMETYPE, "application/json")
# Headers that describe the body we replace.
_BODY_HEADERS = frozenset({"content-type", "content-length"})

log = structlog.get_logger()


class FieldError(TypedDict):
    """One field at fault. `field` is a dotted path, "body" for the whole; `detail` never repeats it."""

    field: str
    detail: str


class Problem(Exception):
    """What went wrong, for the caller. `detail` and `errors` carry no review text; the caller sees them."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        type_: str = "about:blank",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.type_ = type_
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})

    def document(self) -> dict[str, Any]:
        """The members of the RFC 9457 document; needs a request for `instance` and `request_id`."""
        document: dict[str, Any] = {
            "type": self.type_,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if has_request_context():
            # Quoted, so that it is a URI reference whatever bytes the path held.
            document["instance"] = quote(request.path)
            document["request_id"] = g.get("request_id")
        if self.errors:
            document["errors"] = list(self.errors)
        return document | self.extensions


def problem_response(problem: Problem) -> Response:
    """`problem` as an application/problem+json reply."""
    response = Response(to_json(problem.document()), problem.status, mimetype=PROBLEM_MIMETYPE)
    response.headers.update(problem.headers)
    return response


def register_problems(app: Flask, render: Callable[[Problem], Response] | None = None) -> None:
    """Send every error of `app` through here. May be called again, to give `render`.

    `render` makes the HTML page of a problem; it is asked when the client prefers text/html to JSON.
    """
    app.extensions[_RENDER] = render
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(ParseException, _answer_broken_framing)
    app.register_error_handler(Exception, _answer_unexpected)
    if isinstance(app, APIFlask):
        app.error_callback = _answer_apiflask


def explain_failures(app: Flask) -> None:
    """From here on the 500 of an unexpected exception has its `exception`: types and frames, as in the log.

    For the developer's own machine alone: it shows code. The exception's words stay out here too.
    """
    app.extensions[_EXPLAINS] = True


def _answer(problem: Problem) -> Response:
    render = current_app.extensions[_RENDER]
    if render is None or not _prefers_html():
        return problem_response(problem)
    response: Response = render(problem)
    response.status_code = problem.status
    response.headers.update(problem.headers)
    return response


def _prefers_html() -> bool:
    return request.accept_mimetypes.best_match((*_JSON_MIMETYPES, "text/html")) == "text/html"


def _answer_http(error: HTTPException) -> Response:
    if error.response is not None and isinstance(error.response, Response):
        return error.response
    status = error.code or 500
    detail = str(error.description or HTTP_STATUS_CODES[status])
    if status == 413:  # noqa: PLR2004 - the code itself is the name
        detail = f"The body is longer than the limit of {request.max_content_length} bytes."
    headers = {name: value for name, value in error.get_headers() if name.lower() not in _BODY_HEADERS}
    return _answer(Problem(status, error.name, detail, headers=headers))


def _answer_apiflask(error: HTTPError) -> Response:
    title = error.message or HTTP_STATUS_CODES[error.status_code]
    return _answer(Problem(error.status_code, title, title))


def _answer_broken_framing(error: ParseException) -> Response:
    # What follows on the connection can no longer be told from the next request.
    detail = "The body breaks the framing that its Transfer-Encoding promises."
    problem = Problem(400, "Bad Request", detail, headers={"Connection": "close"})
    problem.__cause__ = error
    return _answer(problem)


def _answer_unexpected(error: Exception) -> Response:
    log.error("unexpected_exception", exc_info=error)
    detail = "The service met an error that it did not expect; its log has the place under this request id."
    explanation = {"exception": frames(error)} if _EXPLAINS in current_app.extensions else None
    return _answer(Problem(500, "Internal Server Error", detail, extensions=explanation))
