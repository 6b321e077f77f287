"""Reading a JSON body in one compiled pass: bytes in, typed model out, else a problem naming the field."""

import re
from typing import TypeVar, cast

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, from_json

from lib_web.bounded_request import BoundedRequest, Limit
from lib_web.problems import FieldError, Problem

__all__ = ["NOT_DECODABLE", "Body", "field_errors", "json_bytes", "parse_json", "read_json"]

M = TypeVar("M", bound=BaseModel)

# The kind of problem that bytes are which do not decode.
NOT_DECODABLE = "/problems/request-not-decodable"
# More would only make the reply longer; the caller mends one after the other.
_MAX_ERRORS = 20
# A name that nobody would mistake for a piece of a review.
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_DETAILS = {
    "missing": "This field is required.",
    "extra_forbidden": "This field is not known here.",
    "model_type": "The body must be a JSON object.",
}


class Body(BaseModel):
    """A request's body: strict types, unknown fields refused, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def read_json(model: type[M]) -> M:
    """The current request's body as `model`.

    Raises Problem: 415 content type or content encoding; 413 over MAX_CONTENT_LENGTH (names it); 408 when
    the client stops sending; 400 cut off, not JSON, bad UTF-8, lone surrogate, nested too deep, NaN; 422
    naming each field.
    Never repeats the input.
    """
    return parse_json(model, json_bytes())


def json_bytes(limit: Limit | None = None) -> bytes:
    """The current request's body, decoded, not parsed; `limit`: see BoundedRequest. Raises as `read_json`, but 422."""
    _check_content_type()
    asked = cast("BoundedRequest", request)
    return asked.read_body(limit)


def parse_json(model: type[M], body: bytes) -> M:
    """`body` as `model`. Raises Problem: 400, 422 as `read_json`."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        # The input goes no further than here: a chained exception would carry it into the log.
        raise _problem(error, body) from None


def _check_content_type() -> None:
    if request.environ.get("CONTENT_TYPE") == "application/json":
        # What nearly everybody sends; parsing it costs more than validating the body.
        return
    if request.mimetype != "application/json" or not _is_utf8(request.mimetype_params.get("charset", "utf-8")):
        raise Problem(
            415,
            "Unsupported Media Type",
            "Send the body as application/json in UTF-8.",
            errors=[{"field": "Content-Type", "detail": "Must be application/json."}],
            headers={"Accept": "application/json"},
        )


def _is_utf8(charset: str) -> bool:
    return charset.strip("\"' ").lower() in {"utf-8", "utf8", "us-ascii"}


def _problem(error: ValidationError, body: bytes) -> Problem:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return _not_json(first["ctx"]["error"])
    try:
        from_json(body, allow_inf_nan=False, cache_strings=False)
    except ValueError:
        return _not_json("NaN and Infinity are no JSON numbers")
    errors = field_errors(error)
    fields = ", ".join(dict.fromkeys(each["field"] for each in errors))
    return Problem(422, "Unprocessable Content", f"The body does not fit: {fields}.", errors=errors)


def field_errors(error: ValidationError) -> list[FieldError]:
    """The fields that `error` names and the rules they break, without the input."""
    details = error.errors(include_url=False, include_input=False)
    return [_field_error(detail) for detail in details[:_MAX_ERRORS]]


def _not_json(reason: str) -> Problem:
    # The parser's words name a rule and a position ("... at line 1 column 16"), never the text.
    errors: list[FieldError] = [{"field": "body", "detail": f"Not valid JSON: {reason}."}]
    detail = "The body is not valid JSON in UTF-8."
    return Problem(400, "Request Not Decodable", detail, type_=NOT_DECODABLE, errors=errors)


def _field_error(detail: ErrorDetails) -> FieldError:
    return {"field": _field(detail["loc"]), "detail": _DETAILS.get(detail["type"], detail["msg"])}


def _field(location: tuple[int | str, ...]) -> str:
    if not location:
        return "body"
    return ".".join(str(part) if _is_plain(part) else "(unknown)" for part in location)


def _is_plain(part: int | str) -> bool:
    return isinstance(part, int) or _FIELD_NAME.fullmatch(part) is not None
