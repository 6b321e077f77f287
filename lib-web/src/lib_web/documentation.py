"""Describing a view in the OpenAPI document, without a cost per request.

APIFlask's own decorators wrap the view (and its pydantic adapter validates even with `validation=False`);
ours only leaves a note on the function that APIFlask reads when it makes the document.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, Field
from werkzeug.http import HTTP_STATUS_CODES

from lib_web.problems import PROBLEM_MIMETYPE

__all__ = ["ProblemDocument", "documented"]

V = TypeVar("V", bound=Callable[..., Any])


class FieldErrorDocument(BaseModel):
    """One field at fault."""

    field: str = Field(description='Dotted path of the field; "body" for the whole')
    detail: str = Field(description="The rule that it breaks")


class ProblemDocument(BaseModel):
    """An RFC 9457 problem, the shape of every error."""

    type: str = Field(description="A URI that names the kind of problem; about:blank: see the status")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path that was asked")
    request_id: str = Field(description="Also in X-Request-Id and in the log")
    errors: list[FieldErrorDocument] = Field(default=[], description="The fields at fault, if any")


def documented(
    *,
    summary: str,
    description: str = "",
    tag: str = "",
    body: type[BaseModel] | None = None,
    body_example: object = None,
    reply: type[BaseModel] | None = None,
    reply_example: object = None,
    status: int = 200,
    content_type: str = "application/json",
    problems: Mapping[int, str] | None = None,
    hide: bool = False,
) -> Callable[[V], V]:
    """Describe a view: its `body`, its `reply` under `status`, and its `problems` (status: when)."""
    responses = {code: _problem_response(code, when) for code, when in (problems or {}).items()}
    note: dict[str, Any] = {
        "summary": summary,
        "description": description,
        "tags": [tag] if tag else None,
        "hide": hide,
        "responses": responses,
        "response": {
            "schema": reply or {},
            "status_code": status,
            "description": HTTP_STATUS_CODES[status],
            "example": reply_example,
            "examples": None,
            "links": None,
            "content_type": content_type,
            "headers": None,
        },
    }
    if body is not None:
        note |= {"body": body, "body_example": body_example, "content_type": "application/json"}

    def annotate(view: V) -> V:
        view._spec = note  # type: ignore[attr-defined]  # noqa: SLF001 - the note that APIFlask reads
        return view

    return annotate


def _problem_response(status: int, when: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    description = f"{HTTP_STATUS_CODES[status]}: {when}"
    return {"description": description, "content": {PROBLEM_MIMETYPE: {"schema": schema}}}


def add_problem_schema(specification: dict[str, Any]) -> dict[str, Any]:
    """Add the schema that the problems of `documented` point to."""
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = specification.setdefault("components", {}).setdefault("schemas", {})
    schemas |= schema.pop("$defs")
    schemas["ProblemDocument"] = schema
    return specification
