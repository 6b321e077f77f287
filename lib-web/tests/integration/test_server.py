"""The real server in a process of its own, over real sockets."""

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from real_process import JSON

GOOD = b'{"text":"cold soup"}'
GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
HEAD = b"POST /greet HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"


def chunked(*chunks: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


def sized(body: bytes, length: int | None = None) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


HOSTILE = {
    "chunked over the limit": (chunked(*[b" " * 1_000] * 100), 413),
    "10 MB with a length": (sized(b" " * 10_000_000), 413),
    "10 MB promised, nothing sent": (sized(b"", 10_000_000), 413),
    "cut off": (sized(GOOD, 100), 400),
    "chunks cut off": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", 400),
    "a chunk size that is no number": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", 400),
    "an unknown transfer coding": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    "a length and chunks": (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "a length that is no number": (HEAD + b"Content-Length: many\r\n\r\n", 400),
    "a negative length": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "an unknown encoding": (HEAD + b"Content-Encoding: soup\r\nContent-Length: 2\r\n\r\n{}", 415),
    "no content type": (HEAD.replace(b"Content-Type", b"X-Type") + b"Content-Length: 2\r\n\r\n{}", 415),
    "a NUL in the path": (GET.replace(b"/ ", b"/a\0b ") + b"\r\n", 400),
    "a quoted NUL in the path": (GET.replace(b"/ ", b"/a%00b ") + b"\r\n", 404),
    "a path of 9,000 characters": (GET.replace(b"/ ", b"/%s " % (b"a" * 9_000)) + b"\r\n", 414),
    "a header of 64 kB": (GET + b"X: " + b"a" * 65_536 + b"\r\n\r\n", 431),
    "500 headers": (GET + b"X: a\r\n" * 500 + b"\r\n", 431),
    "a header without a colon": (GET + b"cold soup\r\n\r\n", 400),
    "not HTTP": (b"the soup was cold\r\n\r\n", 400),
    "a version from the future": (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400),
    "an invented method": (GET.replace(b"GET /", b"SOUP /greet") + b"\r\n", 405),
    "wrong method": (GET.replace(b"GET /", b"DELETE /greet") + b"\r\n", 405),
    "an unknown expectation": (HEAD + b"Expect: soup\r\nContent-Length: 2\r\n\r\n{}", 417),
}
# Requests that are never finished.
HALF_OPEN = {
    "silent": b"",
    "a request line": b"POST /gr",
    "headers": HEAD,
    "a body": HEAD + b"Content-Length: 100\r\n\r\n" + GOOD,
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}
# What the client ends in the middle; a body that only stops is another test's.
CUT_OFF = {"cut off", "chunks cut off"}
# What granian answers by itself, with the status alone and without a line in the log.
BARE_ON_GRANIAN = {
    "an unknown transfer coding",
    "two lengths",
    "a length that is no number",
    "a negative length",
    "a NUL in the path",
    "a header of 64 kB",
    "500 headers",
    "a header without a colon",
    "not HTTP",
    "a version from the future",
}


def timed(ask: Callable[[], tuple[int, object, object]]) -> float:
    """The seconds until a good answer."""
    started = time.monotonic()
    assert ask()[0] == 200
    return time.monotonic() - started


@pytest.mark.parametrize("path", ["/greet", "/nowhere"])
@pytest.mark.parametrize("length", [66_000, 300_000, 1_048_576])
def test_a_connection_survives_a_body_that_was_refused(shared_server, path, length):
    """A proxy sends another visitor's request on the connection that we said to keep."""
    connection = http.client.HTTPConnection("127.0.0.1", shared_server.port, timeout=10)
    try:
        connection.request("POST", path, b" " * length, JSON)
        refused = connection.getresponse()
        refused.read()
        kept = connection.sock
        connection.request("POST", "/greet", GOOD, JSON)
        assert (refused.status, connection.getresponse().status) == (413 if path == "/greet" else 404, 200)
        assert connection.sock is kept
    finally:
        connection.close()


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_request_gets_a_problem_and_the_server_goes_on(shared_server, case):
    raw, status = HOSTILE[case]
    started = time.monotonic()
    reply = shared_server.send(raw, then_close=case in CUT_OFF)
    assert time.monotonic() - started < 1
    head, _, body = reply.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), reply[:200]
    if shared_server.kind == "granian" and case in BARE_ON_GRANIAN:
        assert body == b""
    else:
        assert b"application/problem+json" in head
        assert json.loads(body)["status"] == status
    assert b"soup" not in body
    assert shared_server.ask("POST", "/greet", GOOD)[0] == 200


def test_nothing_of_what_was_sent_is_in_the_log_and_each_line_is_json(shared_server):
    for case, (raw, _) in HOSTILE.items():
        shared_server.send(raw, then_close=case in CUT_OFF)
    shared_server.ask("GET", "/fail?secret=soup")
    text = shared_server.log.read_text()
    assert "soup" not in text.replace('raise ValueError(\\"the soup was cold\\")', "")
    events = {line["event"] for line in shared_server.lines()}
    assert {"listening", "request", "request_refused", "unexpected_exception"} <= events
    assert all({"level", "timestamp", "component"} <= set(line) for line in shared_server.lines())


def test_a_request_s_log_line_has_its_id_and_its_template(shared_server):
    shared_server.ask("POST", "/greet?a=b", GOOD, JSON | {"X-Request-Id": "look-for-me"})
    (line,) = [line for line in shared_server.lines() if line.get("request_id") == "look-for-me"]
    assert (line["route"], line["status"], line["method"]) == ("/greet", 200, "POST")
    assert line["ms"] > 0


def test_connections_are_kept_alive(shared_server):
    one = sized(GOOD)
    reply = shared_server.send(one.replace(b"Connection: close\r\n", b"") + one)
    assert reply.count(b"200 OK") == 2


def test_a_client_that_stalls_does_not_hold_a_thread_for_ever(shared_server):
    stalled = [socket.create_connection(("127.0.0.1", shared_server.port)) for _ in range(8)]
    try:
        for connection in stalled:
            connection.settimeout(25)
            connection.sendall(sized(GOOD, 100))
        assert b" 408 " in stalled[0].recv(4_096)
        assert shared_server.ask("GET", "/livez", timeout_s=20)[0] == 200
    finally:
        for connection in stalled:
            connection.close()


@pytest.mark.parametrize("begun", HALF_OPEN)
def test_half_open_connections_do_not_stop_good_requests(shared_server, begun):
    half = [socket.create_connection(("127.0.0.1", shared_server.port)) for _ in range(200)]
    try:
        for connection in half:
            connection.sendall(HALF_OPEN[begun])
        seconds = [timed(lambda: shared_server.ask("POST", "/greet", GOOD, timeout_s=20)) for _ in range(100)]
        assert sum(each < 1 for each in seconds) >= 99
    finally:
        for connection in half:
            connection.close()


def test_a_head_request_gets_the_headers_alone(shared_server):
    head, _, body = shared_server.send(GET.replace(b"GET /", b"HEAD /readyz") + b"\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""


def test_a_stopping_server_refuses_at_once_what_it_will_not_answer(server):
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    kept.request("GET", "/livez")
    assert kept.getresponse().read() == b'{"alive":true}'
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    # gunicorn answers it once more and then closes it; granian has closed it.
    with suppress(ConnectionError):
        kept.request("GET", "/livez")
        assert kept.getresponse().headers["Connection"] == "close"
    kept.close()


def test_sigterm_lets_a_running_request_finish(server):
    replies: list[int] = []
    asking = threading.Thread(target=lambda: replies.append(server.ask("GET", "/slow")[0]))
    asking.start()
    time.sleep(0.2)
    server.process.send_signal(signal.SIGTERM)
    asking.join()
    assert replies == [200]
    assert server.process.wait(20) == 0


def test_a_port_in_use_is_named(make_server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = make_server(port=port)
        assert server.process.wait(60) == 1
        server.stop()
    (line,) = server.lines()
    assert (line["event"], line["port"], line["reason"]) == ("can_not_listen", port, "Address already in use")


def test_no_control_socket_is_opened(server):
    assert not list(Path.home().glob(".gunicorn/*.ctl"))
    opened = {str(link.readlink()) for link in Path(f"/proc/{server.pid}/fd").iterdir()}
    assert not [name for name in opened if "ctl" in name]


def test_an_ipv6_address_can_be_listened_on():
    from lib_web.server.listener import listen  # noqa: PLC0415 - the part that a whole server would only repeat

    with listen("::1", 0) as listener:
        assert listener.family == socket.AF_INET6
