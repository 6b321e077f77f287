"""Reading a posted form as strictly as a JSON body: each field once, nothing unknown, UTF-8 only."""

from urllib.parse import parse_qsl

from flask import request
from lib_web.problems import FieldError, Problem

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 8


def read_form(*names: str) -> dict[str, str]:
    """The posted fields, all of `names` and no others.

    Raises Problem: 415 not a form; 413 over the body limit; 400 not UTF-8; 422 naming each field at fault.
    """
    if request.mimetype != FORM:
        raise Problem(415, "Unsupported Media Type", f"Send the form as {FORM}.")
    pairs = _decoded(request.get_data(cache=False))
    given = [name for name, _ in pairs]
    errors = [_error(name, "This field is missing.") for name in names if name not in given]
    errors += [_error(name, "This field must be given once.") for name in names if given.count(name) > 1]
    if set(given) - set(names):
        # The name is the sender's and could be anything, a review included: it is not repeated.
        errors.append(_error("(unknown)", f"This field is not known. The form takes: {', '.join(names) or 'none'}."))
    if errors:
        raise Problem(422, "Unprocessable Content", "The form has fields at fault.", errors=errors)
    return dict(pairs)


def read_empty_form() -> None:
    """For a button that says everything by being pressed. Raises Problem when something is sent along."""
    if request.content_length or request.mimetype:
        read_form()


def _decoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
        )
    except UnicodeDecodeError:
        raise Problem(400, "Bad Request", "The form must be in UTF-8.", errors=[_error("body", "Not UTF-8.")]) from None
    except ValueError:
        limit = f"At most {MOST_FIELDS} fields are read."
        raise Problem(400, "Bad Request", limit, errors=[_error("body", limit)]) from None


def _error(field: str, detail: str) -> FieldError:
    return {"field": field, "detail": detail}
