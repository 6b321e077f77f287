"""Reading a query as strictly as a body: percent-encoded UTF-8 in, typed model out, else a problem naming the field."""

import re
from typing import TypeVar
from urllib.parse import parse_qsl

from flask import request
from pydantic import BaseModel, ValidationError

from lib_web.json_body import NOT_DECODABLE, field_errors
from lib_web.problems import FieldError, Problem

__all__ = ["read_query"]

M = TypeVar("M", bound=BaseModel)

_MAX_FIELDS = 20
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_query(model: type[M]) -> M:
    """The current request's query as `model`, whose fields are strings.

    Raises Problem: 400 not percent-encoded UTF-8; 422 naming each field. Never repeats the input.
    """
    fields = _fields(request.environ.get("QUERY_STRING", ""))
    twice = {name for name, _ in fields if [each for each, _ in fields].count(name) > 1}
    if twice & set(model.model_fields):
        raise _does_not_fit([{"field": name, "detail": "Must be given once."} for name in sorted(twice)])
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        # The input goes no further than here: a chained exception would carry it into the log.
        raise _does_not_fit(field_errors(error)) from None


def _fields(query: str) -> list[tuple[str, str]]:
    if _BROKEN_ESCAPE.search(query):
        raise _not_decodable("a % that two hexadecimal digits do not follow")
    try:
        return parse_qsl(query.encode("latin-1").decode("ascii"), True, errors="strict", max_num_fields=_MAX_FIELDS)  # noqa: FBT003 - keep_blank_values
    except UnicodeDecodeError:
        raise _not_decodable("bytes that are not UTF-8") from None
    except ValueError:
        raise Problem(422, "Unprocessable Content", f"The query has more than {_MAX_FIELDS} fields.") from None


def _not_decodable(reason: str) -> Problem:
    errors: list[FieldError] = [{"field": "query", "detail": f"Holds {reason}."}]
    detail = "The query is not percent-encoded UTF-8."
    return Problem(400, "Request Not Decodable", detail, type_=NOT_DECODABLE, errors=errors)


def _does_not_fit(errors: list[FieldError]) -> Problem:
    fields = ", ".join(dict.fromkeys(each["field"] for each in errors))
    return Problem(422, "Unprocessable Content", f"The query does not fit: {fields}.", errors=errors)
