"""The body that holds a review: the same rules on every service that takes one."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, create_model
from pydantic_core import PydanticCustomError

from lib_web.json_body import Body

__all__ = ["TextBody", "text_body", "text_fault", "text_field"]


# For the document: some character that is no white space to Python, and no NUL.
_READABLE = r"^[^\u0000]*[^\u0000\s\u001c-\u001f\u0085][^\u0000]*$"


class TextBody(Body):
    """A body with a review; make the one with the limit by `text_body`."""

    text: str


def text_body(name: str, max_chars: int) -> type[TextBody]:
    """The model `name`: `text` has 1 to `max_chars` characters, is not blank and holds no NUL.

    Its errors name the rule that is broken, never the text.
    """
    return create_model(name, __base__=TextBody, text=(text_field(max_chars, "The review"), ...))


def text_field(max_chars: int, description: str) -> Any:  # noqa: ANN401 - an annotation
    """The type of a field under the same rules, whatever its name."""
    readable: dict[str, Any] = {"pattern": _READABLE}
    limit = Field(min_length=1, max_length=max_chars, description=description, json_schema_extra=readable)
    return Annotated[str, limit, AfterValidator(_readable)]


def text_fault(text: object, max_chars: int) -> str | None:
    """The rule that `text` breaks, in the words of `text_body`; None for one that fits."""
    if not isinstance(text, str):
        return "Input should be a valid string"
    if not text:
        return "String should have at least 1 character"
    if len(text) > max_chars:
        return f"String should have at most {max_chars} characters"
    return _unreadable(text)


def _readable(text: str) -> str:
    fault = _unreadable(text)
    if fault is not None:
        raise PydanticCustomError("unreadable", fault)
    return text


def _unreadable(text: str) -> str | None:
    if text.isspace():
        return "Must not be blank."
    if "\0" in text:
        return "Must not contain the NUL character."
    return None
