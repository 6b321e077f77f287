"""Hostile requests as raw bytes against the served app: 4xx in one shape, never a 5xx, and the worker stays small."""

import json

import httpx
import pytest
from real_process import RealProcess, resident_kib

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SECRET = "unrepeatable"
TEN_MB = b"x" * 10_000_000


def document(text: str) -> bytes:
    return json.dumps({"text": text}).encode()


# name: (path, content type, body, status, what the reply must name)
BODIES = {
    "no body": ("/api/reviews", JSON, b"", 400, "JSON"),
    "not JSON": ("/api/reviews", JSON, b"{text: " + SECRET.encode(), 400, "JSON"),
    "a list": ("/api/reviews", JSON, b'["' + SECRET.encode() + b'"]', 422, "body"),
    "wrong type": ("/api/reviews", JSON, b'{"text": 5}', 422, "text"),
    "null": ("/api/reviews", JSON, b'{"text": null}', 422, "text"),
    "missing field": ("/api/reviews", JSON, b"{}", 422, "text"),
    "unknown field": ("/api/reviews", JSON, b'{"text": "good", "stars": 5}', 422, "stars"),
    "empty": ("/api/reviews", JSON, document(""), 422, "text"),
    "blank": ("/api/reviews", JSON, document(" \n\t"), 422, "text"),
    "too long": ("/api/reviews", JSON, document(SECRET + "x" * 2_000), 422, "2000"),
    "bad UTF-8": ("/api/reviews", JSON, b'{"text": "\xff\xfe' + SECRET.encode() + b'"}', 400, "JSON"),
    "lone surrogate": ("/api/reviews", JSON, b'{"text": "\\ud800"}', 400, "JSON"),
    "100,000 deep": ("/api/reviews", JSON, b'{"text":' + b"[" * 50_000, 400, "JSON"),
    "5,000 digits": ("/api/reviews", JSON, b'{"text": ' + b"9" * 5_000 + b"}", 400, "JSON"),
    "NaN": ("/api/reviews", JSON, b'{"text": NaN}', 400, "JSON"),
    "NUL": ("/api/reviews", JSON, document(SECRET + "\0"), 422, "text"),
    "10 MB": ("/api/reviews", JSON, b'{"text": "' + TEN_MB + b'"}', 413, "65536"),
    "no content type": ("/api/reviews", "", document("good"), 415, "application/json"),
    "a form at the API": ("/api/reviews", FORM, b"text=good", 415, "application/json"),
    "form: missing field": ("/reviews", FORM, b"", 422, "text"),
    "form: blank": ("/reviews", FORM, b"text=+%0A", 422, "text"),
    "form: too long": ("/reviews", FORM, b"text=" + SECRET.encode() + b"x" * 2_000, 422, "2000"),
    "form: NUL": ("/reviews", FORM, b"text=a%00" + SECRET.encode(), 422, "text"),
    "form: invalid UTF-8, escaped": ("/reviews", FORM, b"text=%ff" + SECRET.encode(), 400, "UTF-8"),
    "form: invalid UTF-8, raw": ("/reviews", FORM, b"text=\xff" + SECRET.encode(), 400, "UTF-8"),
    "form: surrogate": ("/reviews", FORM, b"text=%ed%a0%80", 400, "UTF-8"),
    "form: repeated field": ("/reviews", FORM, b"text=a&text=b", 422, "text"),
    "form: unknown field": ("/reviews", FORM, b"text=a&" + SECRET.encode() + b"=b", 422, "text"),
    "form: a thousand fields": ("/reviews", FORM, b"&".join([b"a=b"] * 1_000), 400, "fields"),
    "form: 10 MB": ("/reviews", FORM, b"text=" + TEN_MB, 413, "65536"),
    "form: JSON": ("/reviews", JSON, document("good"), 415, FORM),
    "form: multipart": (
        "/reviews",
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\ngood\r\n--b--\r\n',
        415,
        FORM,
    ),
    "correction: no sentiment": (f"/reviews/{'0' * 32}/correction", FORM, b"", 422, "sentiment"),
    "correction: no JSON": (f"/api/reviews/{'0' * 32}/correction", JSON, b"good", 400, "JSON"),
    "undo: a field": (f"/reviews/{'0' * 32}/correction/undo", FORM, b"a=b", 422, "none"),
    "click: a field": ("/people/mei-okafor/clicks", FORM, b"a=b", 422, "none"),
}

NEWCOMER = b"GET / HTTP/1.1\r\nHost: x\r\nx-palate-release: r1\r\nx-served-version: v1\r\n"
RAW = {
    "wrong method": (b"DELETE /api/reviews HTTP/1.1\r\nHost: x\r\n\r\n", (405,)),
    "unknown method": (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405, 501)),
    "GET of a form": (b"GET /moderation/sign-in HTTP/1.1\r\nHost: x\r\n\r\n", (405,)),
    "NUL in the path": (b"GET /reviews/%00 HTTP/1.1\r\nHost: x\r\n\r\n", (404,)),
    "bad UTF-8 in the path": (b"GET /reviews/%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", (404,)),
    "climbing out of static": (b"GET /static/../../settings.py HTTP/1.1\r\nHost: x\r\n\r\n", (404,)),
    "climbing out, escaped": (b"GET /static/%2e%2e/%2e%2e/settings.py HTTP/1.1\r\nHost: x\r\n\r\n", (404,)),
    "endless request line": (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (400, 414)),
    "64 KB header": (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 65_536 + b"\r\n\r\n", (400, 431)),
    "two lengths": (
        b"POST /api/reviews HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        (400,),
    ),
    "negative length": (b"POST /api/reviews HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", (400,)),
    "hostile cookies": (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: palate_visitor=\xff\xfe; =; ;;\r\n\r\n", (200, 400)),
    "hostile host": (
        b"POST /reviews HTTP/1.1\r\nHost: [::\r\nOrigin: http://x\r\nContent-Length: 0\r\n\r\n",
        (400, 403),
    ),
    "hostile origin": (b"POST /reviews HTTP/1.1\r\nHost: x\r\nOrigin: http://[\r\nContent-Length: 0\r\n\r\n", (403,)),
    "a weight of a million digits": (
        NEWCOMER + b"x-canary-weight: " + b"9" * 7_000 + b"\r\n\r\n",
        (200,),
    ),
    "a weight in other digits": (
        NEWCOMER + b"x-canary-weight: \xd9\xa5\r\n\r\n",
        (200,),
    ),
}


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def request_bytes(path: str, kind: str, body: bytes) -> bytes:
    content_type = f"Content-Type: {kind}\r\n" if kind else ""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{content_type}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused_naming_the_fault_and_repeating_nothing(releases, name):
    path, kind, body, status, named = BODIES[name]
    reply = releases["v1"].send(request_bytes(path, kind, body), then_close=True)
    head, _, problem = reply.partition(b"\r\n\r\n")
    assert status_of(reply) == status
    assert b"application/problem+json" in head
    assert named in problem.decode()
    assert SECRET not in reply.decode()
    assert json.loads(problem)["request_id"]


@pytest.mark.parametrize("name", RAW)
def test_a_bad_request_is_no_server_error(releases, name):
    request, statuses = RAW[name]
    reply = releases["v1"].send(request, then_close=True)
    assert status_of(reply) in statuses
    assert b"Traceback" not in reply


def test_a_chunked_body_over_the_limit_is_refused(releases):
    chunks = b"".join(b"8000\r\n" + b"x" * 0x8000 + b"\r\n" for _ in range(8)) + b"0\r\n\r\n"
    head = b"POST /reviews HTTP/1.1\r\nHost: x\r\nContent-Type: " + FORM.encode()
    reply = releases["v1"].send(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, then_close=True)
    assert status_of(reply) == 413


def memory_kib(program: RealProcess) -> int:
    return resident_kib(program.pid) + resident_kib(program.worker())


def test_the_worker_does_not_grow_and_the_log_repeats_no_review(releases):
    app = releases["v1"]

    def send_all() -> None:
        for path, kind, body, _, _ in BODIES.values():
            app.send(request_bytes(path, kind, body), then_close=True)

    for _ in range(2):
        send_all()
    before = memory_kib(app)
    for _ in range(5):
        send_all()
    assert memory_kib(app) - before < 19_531  # 20 MB
    httpx.post(f"{app.url}/api/reviews", json={"text": f"delicious {SECRET}"})
    log = app.log.read_text()
    assert SECRET not in log
    assert SECRET not in httpx.get(f"{app.url}/metrics").text
    assert "crashed" not in log
    assert "unexpected_exception" not in log
