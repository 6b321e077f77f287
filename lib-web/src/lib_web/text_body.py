"""The body that holds a review: the same rules on every service that takes one."""

from typing import Annotated

from pydantic import AfterValidator, Field, create_model
from pydantic_core import PydanticCustomError

from lib_web.json_body import Body

__all__ = ["TextBody", "text_body"]


class TextBody(Body):
    """A body with a review; make the one with the limit by `text_body`."""

    text: str


def text_body(name: str, max_chars: int) -> type[TextBody]:
    """The model `name`: `text` has 1 to `max_chars` characters, is not blank and holds no NUL.

    Its errors name the rule that is broken, never the text.
    """
    limit = Field(min_length=1, max_length=max_chars, description="The review")
    return create_model(name, __base__=TextBody, text=(Annotated[str, limit, AfterValidator(_readable)], ...))


def _readable(text: str) -> str:
    if text.isspace():
        raise PydanticCustomError("blank", "Must not be blank.")
    if "\0" in text:
        raise PydanticCustomError("nul", "Must not contain the NUL character.")
    return text
