"""Clients that never finish, and what some would like to see in our log: the real service, on both servers."""

import http.client
import json
import socket
import time
from contextlib import ExitStack

import pytest

BOTH = pytest.mark.parametrize("whole_service", ["granian", "gunicorn"], indirect=True)
GOOD = {"text": "The soup was cold, but the waiter was lovely."}
JSON = b"Host: a\r\nContent-Type: application/json\r\n"
# Requests that are begun and never finished.
HALF_OPEN = (
    b"",
    b"POST /pre",
    b"POST /predict HTTP/1.1\r\n" + JSON,
    b"POST /predict HTTP/1.1\r\n" + JSON + b'Content-Length: 100\r\n\r\n{"text":',
    b"POST /predict HTTP/1.1\r\n" + JSON + b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"text":\r\n',
    b"POST /v2/models/sentiment/infer HTTP/1.1\r\n" + JSON + b'Content-Length: 100\r\n\r\n{"inputs":',
    b"PUT /nowhere HTTP/1.1\r\n" + JSON + b"Content-Length: 100\r\n\r\na",
    b"POST /predict HTTP/1.1\r\n" + JSON + b"Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\x1f\x8b",
)
MARK = "tiramisu"  # stands for a review, in whatever place it was put
NASTY = {
    "a line break": '\r\n{"event":"forged"}\r\n',
    "quotes": '"}{"event":"forged","a":"',
    "a terminal's commands": "\x1b[2J\x1b]0;owned\x07",
    "line separators": "\u2028\u2029\x85\x0b\x0c",
    "right to left": "\u202eevil\ufeff",
    "a backslash": "\\n\\u001b",
    "format directives": "%s%n{0}{event}",
    "long": "a" * 1_500,
}


@BOTH
def test_two_hundred_half_open_connections_do_not_stop_good_requests(whole_service):
    started = time.monotonic()
    with ExitStack() as opened:
        for number in range(200):
            half = opened.enter_context(socket.create_connection(("127.0.0.1", whole_service.port)))
            half.sendall(HALF_OPEN[number % len(HALF_OPEN)])
        taken = [seconds_of(whole_service) for _ in range(200)]
        while time.monotonic() - started < 8:  # the first of them are given up meanwhile
            taken.append(seconds_of(whole_service))
            time.sleep(0.02)
    assert sum(each < 1 for each in taken) >= 0.99 * len(taken), max(taken)
    assert len(whole_service.workers()) == 2


def seconds_of(service) -> float:
    """How long a good request took."""
    asked = time.monotonic()
    assert service.post("/predict", GOOD)[0] == 200
    return time.monotonic() - asked


@BOTH
@pytest.mark.parametrize("kind", NASTY)
def test_nothing_that_is_sent_forges_a_line_of_the_log_or_a_header(whole_service, kind):
    nasty = MARK + NASTY[kind] + MARK
    statuses = {ask(whole_service, nasty, place) for place in PLACES}
    assert statuses <= {"200", "400", "401", "404", "405", "415", "422"}
    time.sleep(0.1)
    log = whole_service.log.read_bytes()
    assert log.isascii()
    assert not {byte for byte in log if byte < 32 and byte != 10}, "no control character but the line's end"
    lines = [json.loads(line) for line in log.split(b"\n")[:-1]]
    assert all(isinstance(line, dict) and line["event"] != "forged" for line in lines)
    for secret in (MARK, whole_service.token):
        assert secret.encode() not in log
        assert secret.encode() not in whole_service.ask("GET", "/metrics")[2]


HEADERS = (
    "User-Agent X-Request-Id traceparent tracestate Authorization X-Forwarded-For Referer Cookie Accept "
    "Accept-Encoding Content-Type Origin x-newvers"
)
PLACES = ("body", "name", "path", "query", "method", *HEADERS.split())


def ask(service, nasty: str, place: str) -> str:
    """The status of a request with `nasty` at `place`, as raw as HTTP lets it through."""
    # In a header or a method a line break ends it: what is left is sent as it is.
    raw = nasty.encode().translate(None, b"\r\n")
    quoted = b"".join(b"%%%02x" % byte for byte in nasty.encode())
    path, method, headers, body = b"/predict", b"POST", {"Content-Type": b"application/json"}, dict(GOOD)
    match place:
        case "body":
            body = {"text": nasty}
        case "name":
            body = {"text": "a", nasty: 1}
        case "path":
            path = b"/" + quoted
        case "query":
            path = b"/api/v1/statistics?api=" + quoted
            method = b"GET"
        case "method":
            method = raw.replace(b" ", b"")
        case "Authorization":
            headers[place] = b"Bearer " + service.token.encode() + raw
        case _:
            headers[place] = raw
    sent = json.dumps(body).encode()
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers.items())
    head = method + b" " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + lines
    reply = service.send(head + b"Content-Length: %d\r\n\r\n" % len(sent) + sent)
    # A problem names the path that was asked, as a URI reference: percent-encoded.
    assert place == "path" or MARK.encode() not in reply, place
    assert b'"forged"' not in reply, place
    assert b"\x1b" not in reply, place
    return reply[9:12].decode()


@BOTH
def test_ten_thousand_odd_paths_and_methods_make_few_series(whole_service):
    def series() -> set[bytes]:
        lines = whole_service.ask("GET", "/metrics")[2].splitlines()
        return {line.rpartition(b" ")[0] for line in lines if not line.startswith(b"#")}

    assert {whole_service.ask("GET", path)[0] for path in ("/problems/a", "/v2/models/a/ready")} == {404}
    assert whole_service.post("/predict", GOOD)[0] == 200
    before = series()
    with socket.create_connection(("127.0.0.1", whole_service.port), timeout=30) as connection:
        answers = connection.makefile("rb")
        for first in range(0, 10_000, 50):
            connection.sendall(b"".join(map(odd, range(first, first + 50))))
            for _ in range(50):
                skip_reply(answers)
    assert len(series() - before) <= 50


def odd(number: int) -> bytes:
    lines = b" HTTP/1.1\r\nHost: h%d\r\nUser-Agent: u%d\r\nX-Request-Id: r%d\r\n\r\n" % ((number,) * 3)
    paths = (b"GET /odd/%d?q=%d", b"SOUP%d /predict?%d", b"GET /problems/p%d?%d", b"GET /v2/models/m%d/ready?%d")
    return paths[number % 4] % (number, number) + lines


def skip_reply(answers) -> None:
    assert answers.readline().startswith(b"HTTP/1.1 4")
    reply = http.client.parse_headers(answers)
    answers.read(int(reply["Content-Length"]))
