"""What a server refuses before the app sees it: a problem like any other, without a word of what was sent."""

from http import HTTPStatus

from pydantic_core import to_json

from lib_web.problems import PROBLEM_MIMETYPE

__all__ = ["LIMIT_REQUEST_LINE", "refusal"]

# Bytes; a longer one gets 414.
LIMIT_REQUEST_LINE = 8190

Headers = list[tuple[str, str]]


def refusal(status: HTTPStatus, rule: str) -> tuple[Headers, bytes]:
    """Headers and body of the reply to a request that breaks `rule`; its connection is closed."""
    detail = f"The request breaks a rule of HTTP: {rule}." if status < HTTPStatus.INTERNAL_SERVER_ERROR else ""
    body = to_json({"type": "about:blank", "title": status.phrase, "status": status, "detail": detail or status.phrase})
    headers = [
        ("Content-Type", PROBLEM_MIMETYPE),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        ("Connection", "close"),
    ]
    return headers, body
