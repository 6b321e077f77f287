"""Bad input, byte by byte, against the real server: a problem that names the field, never a 5xx, nothing kept."""

import gzip
import json
import sys
import threading
import time

import brotli
import pytest
from real_process import RealProcess, resident_kib

SECRET = b"tiramisu"  # stands for the text of a review: must come back nowhere
DEEP = b"[" * 100_000
MB = 1_000_000
GOOD = {"text": "The soup was cold, but the waiter was lovely."}

# The routes that take a body, each with a body that fits but for what `%s` stands for, and the field that it is in.
ROUTES = {
    "/predict": (b'{"text": %s}', "text"),
    "/classify": (b'{"message": %s}', "message"),
    "/api/v1/predict": (b'{"request_id": 1, "text": %s}', "text"),
    "/feedback": (b'{"label": null, "id": %s}', "id"),
    "/v2/models/sentiment/infer": (
        b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [%s]}]}',
        "inputs.0.data.0",
    ),
}
INFER, FEEDBACK, TOXICITY = "/v2/models/sentiment/infer", "/feedback", "/api/v1/predict"
FIRST_FIELD = {TOXICITY: "request_id", INFER: "inputs"}
Case = tuple[bytes, int, str | None]


def request(
    path: str, lines: bytes, body: bytes, method: bytes = b"POST", content: bytes = b"application/json"
) -> bytes:
    """A request; `lines`: its headers beside the usual."""
    head = method + b" " + path.encode() + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    if path == "/classify":
        head += b"Authorization: Bearer k3J9-a-token-of-the-tests-0001\r\n"
    if content:
        head += b"Content-Type: " + content + b"\r\n"
    return head + lines + b"\r\n" + body


def sized(path: str, body: bytes, lines: bytes = b"", **how: bytes) -> bytes:
    return request(path, lines + b"Content-Length: %d\r\n" % len(body), body, **how)


def chunked(path: str, body: bytes, lines: bytes = b"", *, end: bytes = b"0\r\n\r\n") -> bytes:
    chunks = (body[at : at + 8_192] for at in range(0, len(body), 8_192))
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return request(path, lines + b"Transfer-Encoding: chunked\r\n", framed + end)


def no_json(path: str) -> dict[str, Case]:
    """Bodies that no route takes."""
    field = FIRST_FIELD.get(path, ROUTES[path][1])
    bodies = {
        "no body": (b"", 400, "body"),
        "not JSON": (SECRET, 400, "body"),
        "half of JSON": (b'{"text": "' + SECRET, 400, "body"),
        "two documents": (b"{}" + SECRET, 400, "body"),
        "a byte order mark": (b"\xef\xbb\xbf{}", 400, "body"),
        "invalid UTF-8": (b'{"text": "' + SECRET + b'\xff"}', 400, "body"),
        "a lone surrogate": (b'{"text": "' + SECRET + b'\\ud800"}', 400, "body"),
        "NUL as a byte": (b'{"text": "' + SECRET + b'\0"}', 400, "body"),
        "100,000 deep": (DEEP, 400, "body"),
        "100,000 objects deep": (b'{"a":' * 100_000, 400, "body"),
        "deep inside a field": (b'{"text": ' + DEEP, 400, "body"),
        "a 5,000-digit number": (b'{"text": ' + b"9" * 5_000 + b"}", 400, "body"),
        "a 4,000-digit number": (b'{"text": ' + b"9" * 4_000 + b"}", 422, field),
        "NaN": (b'{"text": NaN}', 400, "body"),
        "Infinity": (b'{"text": -Infinity}', 400, "body"),
        "null": (b"null", 422, "body"),
        "a list": (b'["' + SECRET + b'"]', 422, "body"),
        "a string": (b'"' + SECRET + b'"', 422, "body"),
        "a number": (b"1", 422, "body"),
        "field missing": (b"{}", 422, field),
    }
    return {name: (sized(path, body), status, at) for name, (body, status, at) in bodies.items()}


def unfit(path: str) -> dict[str, Case]:
    """JSON whose field does not fit."""
    body, field = ROUTES[path]
    values = {
        "a number": b"7",
        "a list": b'["' + SECRET + b'", "a"]',
        "an object": b'{"a": "' + SECRET + b'"}',
        "true": b"true",
        "too long": b'"' + SECRET * 251 + b'"',
    }
    if path != FEEDBACK:
        values |= {
            "null": b"null",
            "empty": b'""',
            "blank": b'" \\n\\t\\u2003"',
            "NUL": b'"' + SECRET + b'\\u0000"',
            "the last of two that does not fit": b'"good", "%s": 7' % field.encode(),
        }
    if path == INFER:
        del values["the last of two that does not fit"]
    cases: dict[str, Case] = {
        f"{name} for the field": (sized(path, body % it), 422, field) for name, it in values.items()
    }
    if path != INFER:  # the protocol may grow: members that are not known are left alone
        extra, made_up = b'"a", "lang": "en"', b'"a", "the ' + SECRET + b'": 1'
        cases["an unknown field"] = (sized(path, body % extra), 422, "lang")
        cases["a review as a field's name"] = (sized(path, body % made_up), 422, "(unknown)")
    return cases


def too_much(path: str) -> dict[str, Case]:
    """Sizes and encodings; whatever the length says or does not say."""
    body, _ = ROUTES[path]
    over = body % (b'"' + b"a" * (MB + 1 - len(body)) + b'"')
    large = body % (b'"' + SECRET * (10 * MB // 8) + b'"')
    bomb = body % (b'"' + b"a" * (50 * MB) + b'"')
    limit = (422, ROUTES[path][1]) if path == INFER else (413, None)  # which takes as much as a batch
    # Where many texts may be longer, the length alone says nothing; the wait for the body's beginning has its end.
    promised = 408 if path in {"/predict", INFER} else 413
    zipped, brown = b"Content-Encoding: gzip\r\n", b"Content-Encoding: br\r\n"
    return {
        "a byte over 1 MB": (sized(path, over), *limit),
        "a byte over 1 MB in chunks": (chunked(path, over), *limit),
        "10 MB": (sized(path, large), 413, None),
        "10 MB in chunks": (chunked(path, large), 413, None),
        "10 MB promised, nothing sent": (request(path, b"Content-Length: 10000000\r\n", b""), promised, None),
        "chunks without end": (chunked(path, large, end=b""), 413, None),
        "1,100,000 deep, over the limit too": (sized(path, DEEP * 25), 413, None),
        "a gzip bomb": (sized(path, gzip.compress(bomb), zipped), 413, None),
        "a brotli bomb": (sized(path, brotli.compress(bomb, quality=1), brown), 413, None),
        "corrupt gzip": (sized(path, b"\x1f\x8b" + SECRET, zipped), 400, None),
        "gzip that is cut off": (sized(path, gzip.compress(body % b'"good"')[:-9], zipped), 400, None),
        "gzip with something behind": (sized(path, gzip.compress(b"{}") + SECRET, zipped), 400, None),
        "an unknown encoding": (sized(path, SECRET, b"Content-Encoding: zstd\r\n"), 415, "Content-Encoding"),
        "two encodings": (sized(path, SECRET, b"Content-Encoding: gzip, br\r\n"), 415, "Content-Encoding"),
    }


def misdirected(path: str) -> dict[str, Case]:
    """Methods and content types."""
    field = None if path == INFER else "Content-Type"
    cases: dict[str, Case] = {
        "another content type": (sized(path, SECRET, content=b"text/plain"), 415, field),
        "a form": (sized(path, b"text=" + SECRET, content=b"application/x-www-form-urlencoded"), 415, field),
        "no content type": (sized(path, SECRET, content=b""), 415, field),
        "another charset": (sized(path, SECRET, content=b"application/json; charset=utf-16"), 415, field),
        "wrong method with a body": (sized(path, SECRET, method=b"PUT"), 405, None),
        "an invented method": (request(path, b"", b"", method=b"SOUP"), 405, None),
    }
    if path == INFER:  # by the protocol the type may be absent, and JSON has no charset
        cases["no content type"] = (sized(path, SECRET, content=b""), 400, "body")
        cases["another charset"] = (sized(path, SECRET, content=b"application/json; charset=utf-16"), 400, "body")
    if path == TOXICITY:  # whose body says itself what it is encoded in
        cases["another charset"] = (
            sized(path, SECRET, content=b"application/json; charset=utf-16"),
            422,
            "encoding_type",
        )
    return cases


def toxic(**changes: bytes) -> bytes:
    fields = {"request_id": b"1", "text": b'"a"'} | changes
    return sized(TOXICITY, b"{" + b", ".join(b'"%s": %s' % (name.encode(), fields[name]) for name in fields) + b"}")


def of_its_own() -> dict[str, Case]:
    """What belongs to one route."""
    infer = b'{"inputs": [{"name": "text", "datatype": %s, "shape": %s, "data": %s}]}'
    token = b"Authorization: Bearer "
    return {
        "predict: a text for texts": (sized("/predict", b'{"texts": "' + SECRET + b'"}'), 422, "texts"),
        "predict: no texts": (sized("/predict", b'{"texts": []}'), 422, "texts"),
        "predict: text and texts": (sized("/predict", b'{"texts": ["a"], "text": "a"}'), 422, "text"),
        "predict: 10,001 texts": (sized("/predict", b'{"texts": [' + b"1," * 10_000 + b"1]}"), 422, "texts"),
        "feedback: an unknown id": (sized(FEEDBACK, b'{"id": "' + SECRET + b'", "label": null}'), 404, None),
        "feedback: NUL in the id": (sized(FEEDBACK, b'{"id": "' + SECRET + b'\\u0000", "label": null}'), 404, None),
        "feedback: no label": (sized(FEEDBACK, b'{"id": "' + SECRET + b'"}'), 422, "label"),
        "feedback: a number for the label": (sized(FEEDBACK, b'{"id": "a", "label": 7}'), 422, "label"),
        "infer: another type": (sized(INFER, infer % (b'"INT8"', b"[1]", b"[1]")), 422, "inputs.0.datatype"),
        "infer: a vast shape": (sized(INFER, infer % (b'"BYTES"', b"[99999999999]", b'["a"]')), 422, "inputs.0.shape"),
        "infer: a shape below 0": (sized(INFER, infer % (b'"BYTES"', b"[-1, -1]", b'["a"]')), 422, "inputs.0.shape"),
        "infer: bytes that are not there": (
            sized(INFER, b"{}", b"Inference-Header-Content-Length: 99\r\n"),
            422,
            "Inference-Header-Content-Length",
        ),
        "toxicity: an id of 2^63": (toxic(request_id=b"9223372036854775808"), 422, "request_id"),
        "toxicity: no such network": (toxic(network=b'"%s"' % SECRET), 422, "network"),
        "toxicity: no such language": (toxic(language=b'"xx"'), 422, "language"),
        "toxicity: no encoding": (toxic(encoding_type=b'"zlib"'), 422, "encoding_type"),
        "toxicity: an encoding that takes long": (toxic(encoding_type=b'"idna"'), 422, "encoding_type"),
        "a wrong token": (sized("/predict", b"{}", token + SECRET + b"\r\n"), 401, None),
        "a token of 8,193 characters": (sized("/predict", b"{}", token + b"a" * 8_193 + b"\r\n"), 401, None),
        "a token that is none": (sized("/predict", b"{}", b"Authorization: " + SECRET + b"\r\n"), 401, None),
        "a query that is not UTF-8": (request("/api/v1/statistics?api=%ff", b"", b"", b"GET"), 400, "query"),
        "a query with a broken escape": (request("/api/v1/statistics?api=%zz", b"", b"", b"GET"), 400, "query"),
        "an unknown path": (sized("/predicted", b"{}"), 404, None),
        "%00 for a path": (request("/%00", b"", b"", b"GET"), 404, None),
        "%ff for a path": (request("/%ff", b"", b"", b"GET"), 404, None),
        "%00 behind a path": (sized("/predict%00", b"{}"), 404, None),
        "a line break in a path": (request("/predict%0d%0aX-Soup:%20cold", b"", b"", b"GET"), 404, None),
        "a path upwards": (request("/docs/..%2f..%2f..%2fetc/passwd", b"", b"", b"GET"), 404, None),
    }  # fmt: skip


# Without a body on granian, which refuses them before there is a request.
FRAMING = {
    "two lengths": (request("/predict", b"Content-Length: 3\r\nContent-Length: 4\r\n", b"{} a"), 400),
    "a length that is no number": (request("/predict", b"Content-Length: 0x2\r\n", b"{}"), 400),
    "a length below 0": (request("/predict", b"Content-Length: -1\r\n", b"{}"), 400),
    "a length and chunks": (chunked("/predict", b"{}", b"Content-Length: 3\r\n"), None),
    "an unknown transfer coding": (request("/predict", b"Transfer-Encoding: gzip\r\n", b"{}"), 400),
    "a chunk size that is no number": (request("/predict", b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}"), 400),
    "a header of 64 kB": (sized("/predict", b"{}", b"X: " + b"a" * 65_536 + b"\r\n"), 431),
    "a NUL in the path": (b"GET /a\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a NUL in a header": (sized("/predict", b"{}", b"X: a\0b\r\n"), 400),
}  # fmt: skip

PARTS = (no_json, unfit, too_much, misdirected)
CASES = {
    f"{path}: {name}": case for path in ROUTES for part in PARTS for name, case in part(path).items()
} | of_its_own()
RAW = [raw for raw, _, _ in CASES.values()] + [raw for raw, _ in FRAMING.values()]


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_a_problem_that_names_the_field(whole_service, name):
    raw, status, field = CASES[name]
    started = time.monotonic()
    reply = whole_service.send(raw)
    seconds = time.monotonic() - started
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), reply[:300]
    assert b"application/problem+json" in head.lower()
    problem = json.loads(body)
    assert problem["status"] == status
    assert [error["field"] for error in problem.get("errors", [])][:1] == ([field] if field else [])
    assert SECRET not in reply
    assert seconds < {413: 1, 408: 9}.get(status, 3)
    assert whole_service.post("/predict", GOOD)[0] == 200


@pytest.mark.parametrize("whole_service", ["granian", "gunicorn"], indirect=True)
@pytest.mark.parametrize("name", FRAMING)
def test_broken_framing_ends_with_its_connection(whole_service, name):
    raw, status = FRAMING[name]
    reply = whole_service.send(raw)
    assert reply.startswith(b"HTTP/1.1 %d " % status if status else b"HTTP/1.1 4"), reply[:300]
    assert reply.count(b"HTTP/1.1 ") == 1, "nothing of it is taken for another request"
    assert whole_service.post("/predict", GOOD)[0] == 200


def test_the_corpus_neither_grows_nor_breaks_nor_slows_it(whole_service):
    raws = [raw for raw, status, _ in CASES.values() if status != 408]
    workers = whole_service.workers()
    done = threading.Event()
    done.set()
    assert {whole_service.send(raw)[9:10] for raw in raws} == {b"4"}
    before = {pid: resident_kib(pid) for pid in workers}
    quiet = milliseconds(whole_service, done)
    done.clear()

    def attack() -> None:
        for raw in (*raws, *raws):
            whole_service.send(raw)
        done.set()

    attacker = threading.Thread(target=attack)
    attacker.start()
    busy = milliseconds(whole_service, done)
    attacker.join()
    grown = [resident_kib(pid) - before[pid] for pid in workers]
    figures = f"p99 {quiet:.1f} ms quiet, {busy:.1f} ms meanwhile; grown by {grown} KiB"
    sys.stdout.write(f"{figures}\n")  # `pytest -s` tells; what is quick enough depends on the machine
    assert whole_service.workers() == workers
    assert max(grown) < 20_000, figures
    assert busy < 2_000, figures


def milliseconds(service: RealProcess, until: threading.Event) -> float:
    """The 99th percentile of good requests, one after the other, at least 200."""
    taken: list[float] = []
    while len(taken) < 200 or not until.is_set():
        started = time.monotonic()
        assert service.post("/predict", GOOD)[0] == 200
        taken.append((time.monotonic() - started) * 1_000)
    return sorted(taken)[int(len(taken) * 0.99)]


def test_no_text_reaches_the_log_or_the_metrics(whole_service):
    assert whole_service.post("/predict", {"text": f"a {SECRET.decode()} to remember"})[0] == 200
    for raw in RAW:
        whole_service.send(raw)
    time.sleep(0.2)
    assert SECRET not in whole_service.log.read_bytes()
    status, _, metrics = whole_service.ask("GET", "/metrics")
    assert status == 200
    assert SECRET not in metrics
    assert b'status="5xx"' not in metrics
    assert whole_service.lines(), "and every line is JSON"
