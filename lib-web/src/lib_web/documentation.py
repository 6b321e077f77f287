"""Describing a view in the OpenAPI document, without a cost per request.

APIFlask's own decorators wrap the view (and its pydantic adapter validates even with `validation=False`);
ours only leaves a note on the function that APIFlask reads when it makes the document.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Union

from pydantic import BaseModel, Field, RootModel, create_model
from pydantic_core import from_json, to_json
from werkzeug.http import HTTP_STATUS_CODES

from lib_web.problems import PROBLEM_MIMETYPE

__all__ = ["BEARER", "ProblemDocument", "documented"]

BEARER = "bearer"
_OTHERS = "x-other-content-types"

_SCHEMAS = "#/components/schemas/"
_PREFIX = re.compile(rf'"{_SCHEMAS}[^."]+\.')

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
    # A request that breaks HTTP itself is refused before it has these two.
    instance: str = Field(default="", description="The path that was asked")
    request_id: str = Field(default="", description="Also in X-Request-Id and in the log")
    errors: list[FieldErrorDocument] = Field(default=[], description="The fields at fault, if any")


def documented(
    *,
    summary: str,
    description: str = "",
    tag: str = "",
    body: type[BaseModel] | tuple[type[BaseModel], ...] | None = None,
    query: type[BaseModel] | None = None,
    body_example: object = None,
    reply: type[BaseModel] | tuple[type[BaseModel], ...] | None = None,
    reply_example: object = None,
    other_bodies: Mapping[str, str] | None = None,
    other_replies: Mapping[str, str] | None = None,
    status: int = 200,
    content_type: str = "application/json",
    problems: Mapping[int, str] | None = None,
    bearer: bool = False,
    hide: bool = False,
) -> Callable[[V], V]:
    """Describe a view: its `body` or `query`, its `reply` under `status`, and its `problems` (status: when).

    Several models for a body or a reply: one of them. `other_bodies`, `other_replies`: what each further content type
    holds. `bearer`: the view asks for a token.
    """
    responses = {code: _problem_response(code, when) for code, when in (problems or {}).items()}
    note: dict[str, Any] = {
        "summary": summary,
        "description": description,
        "tags": [tag] if tag else None,
        "hide": hide,
        "responses": responses,
        "security": [BEARER] if bearer else None,
        "extensions": {_OTHERS: (str(status), dict(other_bodies or {}), dict(other_replies or {}))},
        "response": {
            "schema": _one_of(summary, "Reply", reply) or {},
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
        note |= {
            "body": _one_of(summary, "Body", body),
            "body_example": body_example,
            "content_type": "application/json",
        }
    if query is not None:
        note["args"] = [(query, "query")]

    def annotate(view: V) -> V:
        view._spec = note  # type: ignore[attr-defined]  # noqa: SLF001 - the note that APIFlask reads
        return view

    return annotate


def _problem_response(status: int, when: str) -> dict[str, Any]:
    return _problem_content(f"{HTTP_STATUS_CODES[status]}: {when}")


def _problem_content(description: str) -> dict[str, Any]:
    schema = {"$ref": f"{_SCHEMAS}ProblemDocument"}
    return {"description": description, "content": {PROBLEM_MIMETYPE: {"schema": schema}}}


def _one_of(summary: str, part: str, models: type[BaseModel] | tuple[type[BaseModel], ...] | None) -> Any:  # noqa: ANN401 - a model made here
    if not isinstance(models, tuple):
        return models
    name = "".join(word.capitalize() for word in summary.split()) + part
    return create_model(name, __base__=RootModel[Union[models]], __doc__="One of these.")  # type: ignore[valid-type]  # noqa: UP007 - made at run time


def finished(specification: dict[str, Any]) -> dict[str, Any]:
    """Add what `documented` points to and APIFlask has no place for: problems, further content types, the token."""
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    components = specification.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= schema.pop("$defs")
    schemas["ProblemDocument"] = schema
    operations = [operation for path in specification["paths"].values() for operation in path.values()]
    for operation in operations:
        _add_content_types(operation)
    specification["tags"] = [
        {"name": tag} for tag in sorted({tag for each in operations for tag in each.get("tags", ())})
    ]
    if any("security" in operation for operation in operations):
        components["securitySchemes"] = {BEARER: {"type": "http", "scheme": "bearer"}}
    return _with_short_names(specification)


def _add_content_types(operation: dict[str, Any]) -> None:
    status, bodies, replies = operation.pop(_OTHERS, ("", {}, {}))
    for place, kinds in ((operation.get("requestBody", {}), bodies), (operation["responses"].get(status, {}), replies)):
        for kind, holds in kinds.items():
            place["content"][kind] = {"schema": {"type": "string", "description": holds}}
    # What any route may answer: 401 to a wrong token, 429 over a limit, 405 and 500.
    operation["responses"]["default"] = _problem_content("Any other failure")
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True


def _with_short_names(specification: dict[str, Any]) -> dict[str, Any]:
    """APIFlask calls a nested schema Outer.Inner; those that are alike become one Inner."""
    schemas = specification["components"]["schemas"]
    alike: dict[str, set[str]] = {}
    for name, schema in schemas.items():
        plain = _PREFIX.sub(f'"{_SCHEMAS}', to_json(schema).decode())
        alike.setdefault(name.rpartition(".")[2], set()).add(plain)
    shortened = {name: short for name in schemas if len(alike[short := name.rpartition(".")[2]]) == 1}
    specification["components"]["schemas"] = {shortened.get(name, name): schema for name, schema in schemas.items()}
    text = to_json(specification).decode()
    for name, short in shortened.items():
        text = text.replace(f'"{_SCHEMAS}{name}"', f'"{_SCHEMAS}{short}"')
    named: dict[str, Any] = from_json(text)
    return named
