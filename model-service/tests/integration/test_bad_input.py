"""Bad input, byte by byte, against the real server: a problem that names the field, never a 5xx, nothing kept."""

import json
import time

import pytest
from real_process import resident_kib

SECRET = b"tiramisu"  # stands for the text of a review: must come back nowhere
DEEP = b"[" * 100_000


def post(body: bytes, content_type: bytes = b"application/json", path: bytes = b"/predict") -> bytes:
    head = b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    if content_type:
        head += b"Content-Type: " + content_type + b"\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, size: int = 8_192) -> bytes:
    chunks = (body[at : at + size] for at in range(0, len(body), size))
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + framed + b"0\r\n\r\n"


def about(path: bytes) -> dict[str, tuple[bytes, int, str | None]]:
    """What no route takes: name -> request, status, field."""
    field = "text" if path == b"/predict" else "id"

    def sent(body: bytes, content_type: bytes = b"application/json") -> bytes:
        return post(body, content_type, path)

    return {
        "no body": (sent(b""), 400, "body"),
        "not JSON": (sent(SECRET), 400, "body"),
        "half of JSON": (sent(b'{"text": "' + SECRET), 400, "body"),
        "two documents": (sent(b"{}" + SECRET), 400, "body"),
        "invalid UTF-8": (sent(b'{"text": "' + SECRET + b'\xff"}'), 400, "body"),
        "a lone surrogate": (sent(b'{"text": "' + SECRET + b'\\ud800"}'), 400, "body"),
        "100,000 deep": (sent(DEEP[:60_000]), 400, "body"),
        "1,100,000 deep, over the limit too": (sent(DEEP * 11), 413, None),
        "deep inside a field": (sent(b'{"text": ' + DEEP[:60_000]), 400, "body"),
        "a 5,000-digit number": (sent(b'{"text": ' + b"9" * 5_000 + b"}"), 400, "body"),
        "a 4,000-digit number": (sent(b'{"text": ' + b"9" * 4_000 + b"}"), 422, field),
        "NaN": (sent(b'{"text": NaN}'), 400, "body"),
        "Infinity": (sent(b'{"text": Infinity}'), 400, "body"),
        "null": (sent(b"null"), 422, "body"),
        "a list": (sent(b'["' + SECRET + b'"]'), 422, "body"),
        "a string": (sent(b'"' + SECRET + b'"'), 422, "body"),
        "a number": (sent(b"1"), 422, "body"),
        "field missing": (sent(b"{}"), 422, field),
        "10 MB": (sent(b'{"text": "' + SECRET * 1_250_000 + b'"}'), 413, None),
        "another content type": (sent(SECRET, b"text/plain"), 415, "Content-Type"),
        "a form": (sent(b"text=" + SECRET, b"application/x-www-form-urlencoded"), 415, "Content-Type"),
        "no content type": (sent(SECRET, b""), 415, "Content-Type"),
        "another charset": (sent(SECRET, b"application/json; charset=utf-16"), 415, "Content-Type"),
        "wrong method": (b"GET %s?%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % (path, SECRET), 405, None),
        "wrong method with a body": (post(SECRET, path=path).replace(b"POST", b"PUT"), 405, None),
    }


PREDICT = about(b"/predict") | {
    "number for text": (post(b'{"text": 7}'), 422, "text"),
    "list for text": (post(b'{"text": ["' + SECRET + b'"]}'), 422, "text"),
    "null for text": (post(b'{"text": null}'), 422, "text"),
    "empty text": (post(b'{"text": ""}'), 422, "text"),
    "blank text": (post(b'{"text": " \\n\\t\\u2003"}'), 422, "text"),
    "NUL in the text": (post(b'{"text": "' + SECRET + b'\\u0000"}'), 422, "text"),
    "NUL as a byte": (post(b'{"text": "' + SECRET + b'\0"}'), 400, "body"),
    "text too long": (post(b'{"text": "' + SECRET * 251 + b'"}'), 422, "text"),
    "unknown field": (post(b'{"text": "' + SECRET + b'", "lang": "en"}'), 422, "lang"),
    "a review as a field's name": (post(b'{"text": "a", "the ' + SECRET + b'": 1}'), 422, "(unknown)"),
    "a text for texts": (post(b'{"texts": "' + SECRET + b'"}'), 422, "texts"),
    "no texts": (post(b'{"texts": []}'), 422, "texts"),
    "text and texts": (post(b'{"texts": ["' + SECRET + b'"], "text": "a"}'), 422, "text"),
    "10 MB in chunks": (chunked(b'{"text": "' + SECRET * 1_250_000 + b'"}'), 413, None),
    "broken gzip": (
        post(b"\x1f\x8b" + SECRET).replace(b"Host: a\r\n", b"Host: a\r\nContent-Encoding: gzip\r\n"),
        400,
        None,
    ),
    "an unknown encoding": (
        post(SECRET).replace(b"Host: a\r\n", b"Host: a\r\nContent-Encoding: zstd\r\n"),
        415,
        "Content-Encoding",
    ),
    "unknown path": (post(b'{"text": "' + SECRET + b'"}', path=b"/predicted"), 404, None),
    "quoted NUL in the path": (b"GET /%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404, None),
    "broken framing": (chunked(b"{}").replace(b"2\r\n{}", b"zz\r\n" + SECRET), 400, "body"),
}
FEEDBACK = about(b"/feedback") | {
    "number for id": (post(b'{"id": 7, "label": null}', path=b"/feedback"), 422, "id"),
    "label missing": (post(b'{"id": "' + SECRET + b'"}', path=b"/feedback"), 422, "label"),
    "number for label": (post(b'{"id": "a", "label": 7}', path=b"/feedback"), 422, "label"),
    "id too long": (post(b'{"id": "' + SECRET * 20 + b'", "label": null}', path=b"/feedback"), 422, "id"),
    "unknown id": (post(b'{"id": "' + SECRET + b'", "label": null}', path=b"/feedback"), 404, None),
    "NUL in the id": (post(b'{"id": "' + SECRET + b'\\u0000", "label": null}', path=b"/feedback"), 404, None),
    "a text": (post(b'{"id": "a", "label": null, "text": "' + SECRET + b'"}', path=b"/feedback"), 422, "text"),
}
CASES = [("predict", name, *case) for name, case in PREDICT.items()]
CASES += [("feedback", name, *case) for name, case in FEEDBACK.items()]


@pytest.mark.parametrize(("_route", "_name", "raw", "status", "field"), CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES])
def test_bad_input_gets_a_problem_that_names_the_field(shared_service, _route, _name, raw, status, field):
    reply = shared_service.send(raw)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), reply[:300]
    assert b"application/problem+json" in head
    problem = json.loads(body)
    assert problem["status"] == status
    assert [error["field"] for error in problem.get("errors", [])][:1] == ([field] if field else [])
    assert SECRET not in reply


def test_hundreds_of_bad_requests_neither_break_it_nor_grow_it(shared_service):
    raws = [raw for _, _, raw, _, _ in CASES]
    for raw in raws:
        shared_service.send(raw)
    before = resident_kib(shared_service.worker())
    statuses = {shared_service.send(raws[number % len(raws)])[9:10] for number in range(300)}
    assert statuses == {b"4"}
    assert resident_kib(shared_service.worker()) - before < 8_192
    assert shared_service.post("/predict", {"text": "good soup"})[0] == 200


def test_no_text_reaches_the_log_or_the_metrics(shared_service):
    assert shared_service.post("/predict", {"text": f"a {SECRET.decode()} to remember"})[0] == 200
    for _, _, raw, _, _ in CASES:
        shared_service.send(raw)
    time.sleep(0.2)
    assert SECRET not in shared_service.log.read_bytes()
    status, _, metrics = shared_service.ask("GET", "/metrics")
    assert status == 200
    assert SECRET not in metrics
    assert b'status="5xx"' not in metrics
    assert shared_service.lines(), "and every line is JSON"
