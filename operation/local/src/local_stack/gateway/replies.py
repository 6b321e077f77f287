"""What Envoy says when it answers itself: the same problem documents (RFC 9457) as the services."""

from local_stack.gateway.protobuf import Message

__all__ = ["MAX_BODY_BYTES", "local_replies"]

MAX_BODY_BYTES = 1_048_576
_RETRY_AFTER_S = 2

_PROBLEMS = {
    400: ("Bad Request", "The request breaks a rule of HTTP, or its path is not plain."),
    403: ("Forbidden", "The gateway does not pass this request on."),
    404: ("Not Found", "There is nothing here."),
    408: ("Request Timeout", "The request did not arrive in time."),
    413: ("Content Too Large", f"The body is longer than {MAX_BODY_BYTES} bytes, the most the gateway takes."),
    426: ("Upgrade Required", "Speak HTTP/1.1 or HTTP/2."),
    431: ("Request Header Fields Too Large", "The headers are more than 100, or longer than 32 kB."),
    503: ("Service Unavailable", "What answers this is not running right now; it is being started again."),
    504: ("Gateway Timeout", "No answer came in time; try again."),
}

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>One moment, please</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}</style>
<h1>One moment, please</h1>
<p>{detail} Go back and send it again in a few seconds: what you wrote is still in the form.</p>
</html>
"""


def local_replies() -> Message:
    """Pages for browsers where a visitor may well see one, problem documents for the rest."""
    pages = [_page(status) for status in (503, 504)]
    return {
        "mappers": [*pages, *(_problem(status) for status in _PROBLEMS)],
        "body_format": _document("%RESPONSE_CODE_DETAILS%", "The gateway could not pass the request on."),
    }


def _problem(status: int) -> Message:
    title, detail = _PROBLEMS[status]
    return {
        "filter": _status_is(status),
        "body_format_override": _document(title, detail),
        "headers_to_add": _headers(status),
    }


def _page(status: int) -> Message:
    wants_page = {"header_filter": {"header": {"name": "accept", "string_match": {"contains": "text/html"}}}}
    page = {"content_type": "text/html; charset=utf-8"}
    text = _PAGE.replace("{detail}", _PROBLEMS[status][1]).replace("%", "%%")
    return {
        "filter": {"and_filter": {"filters": [_status_is(status), wants_page]}},
        "body_format_override": {**page, "text_format_source": {"inline_string": text}},
        "headers_to_add": _headers(status),
    }


def _document(title: str, detail: str) -> Message:
    fields = {
        "type": "about:blank",
        "title": title,
        "status": "%RESPONSE_CODE%",
        "detail": detail,
        "instance": "%PATH(NQ):256%",
        "request_id": "%REQ(X-REQUEST-ID):128%",
    }
    return {"json_format": fields, "content_type": "application/problem+json"}


def _headers(status: int) -> list[Message]:
    values = {"x-request-id": "%REQ(X-REQUEST-ID):128%", "cache-control": "no-store"}
    if status in (503, 504):
        values["retry-after"] = str(_RETRY_AFTER_S)
    return [{"header": {"key": key, "value": value}} for key, value in values.items()]


def _status_is(status: int) -> Message:
    # Envoy asks for a runtime key beside every number; nothing sets this one.
    value = {"default_value": status, "runtime_key": f"palate.reply_{status}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}
