"""A model-service that is down, slow or talks rubbish: a clear 503 within two seconds, and nothing stored.

The far side is a real TCP server that misbehaves.
"""

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import httpx
import pytest
from real_process import running

TEXT = "Delicious food at a quiet table"
WITHIN_S = 2.0
GOOD = {
    "id": "prediction",
    "label": "positive",
    "probability": 0.9,
    "labels": {"negative": 0.1, "positive": 0.9},
    "explanation": [{"term": "delicious", "weight": 2.0}],
    "coverage": 1.0,
    "model": {"name": "sentiment", "version": "v1", "sha256": "ab" * 32},
    "service_version": "1.0.0",
}


def answer(document: object, status: str = "200 OK", kind: str = "application/json") -> bytes:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def says(*parts: bytes, pause_s: float = 0.0):
    """A behaviour: read the request, send the parts, close."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)

    return behave


def silent(connection: socket.socket) -> None:
    connection.recv(65_536)
    time.sleep(5)


def deaf(_connection: socket.socket) -> None:
    time.sleep(5)


def hang_up(connection: socket.socket) -> None:
    connection.recv(65_536)


def single_bytes(content: bytes) -> list[bytes]:
    return [content[position : position + 1] for position in range(len(content))]


def endless(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


def changed(**members: object) -> bytes:
    return answer({**GOOD, **members})


def without(member: str) -> bytes:
    return answer({name: value for name, value in GOOD.items() if name != member})


BEHAVIOURS = {
    "accepts and is silent": silent,
    "never reads": deaf,
    "hangs up": hang_up,
    "dribbles its headers": says(*single_bytes(answer(GOOD)), pause_s=0.3),
    "dribbles its body": says(answer(GOOD)[:-20], *single_bytes(answer(GOOD)[-20:]), pause_s=0.3),
    "speaks no HTTP": says(b"\x00\xff\x16garbage\r\n\r\n" * 10),
    "stops half-way": says(answer(GOOD)[:-10]),
    "sends no JSON": says(answer(b"<html>hello</html>", kind="text/html")),
    "sends an empty body": says(answer(b"")),
    "sends a list": says(answer([GOOD])),
    "answers NaN": says(answer(json.dumps({**GOOD, "probability": float("nan")}).encode())),
    "answers infinity": says(changed(explanation=[{"term": "x", "weight": float("inf")}])),
    "is more than certain": says(changed(probability=1.5)),
    "has a negative coverage": says(changed(coverage=-0.1)),
    "knows another label": says(changed(label="lukewarm")),
    "writes numbers as words": says(changed(probability="0.9")),
    "leaves the id out": says(without("id")),
    "leaves the explanation out": says(without("explanation")),
    "names no model": says(changed(model=None)),
    "has a false sha256": says(changed(model={**GOOD["model"], "sha256": "x"})),
    "breaks a header": says(changed(model={**GOOD["model"], "version": "v1\r\nX-Evil: 1"})),
    "explains for ever": says(changed(explanation=[{"term": "x", "weight": 1.0}] * 10_000)),
    "is nested deeply": says(answer(b"[" * 100_000)),
    "is not UTF-8": says(answer(b'{"id": "\xff"}')),
    "answers 500": says(answer({"title": "Internal Server Error"}, "500 Internal Server Error")),
    "answers 422": says(answer({"title": "Unprocessable"}, "422 Unprocessable Content")),
    "answers 204": says(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "sends elsewhere": says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
    "sends 20 MB": says(answer(b" " * 20_000_000)),
    "sends without end": endless,
    "sends endless headers": says(b"HTTP/1.1 200 OK\r\n", *[b"X-Filler: " + b"x" * 8_000 + b"\r\n"] * 100),
}


@contextmanager
def misbehaving(behave) -> Iterator[str]:
    """The URL of a server on a free port that does `behave(connection)` with every connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the caller had enough, as it should
            behave(connection)

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def reviews_in(store_url: str) -> int:
    with sqlite3.connect(store_url.removeprefix("sqlite:///")) as connection:
        count = connection.execute("SELECT count(*) FROM reviews").fetchone()[0]
    connection.close()
    return count


def assert_unavailable_at_once(client, store_url) -> None:
    started = time.monotonic()
    reply = client.post("/api/reviews", json={"text": TEXT})
    took_s = time.monotonic() - started
    assert (reply.status_code, reply.mimetype) == (503, "application/problem+json")
    assert reply.json["request_id"] == reply.headers["X-Request-Id"]
    assert int(reply.headers["Retry-After"]) >= 1
    assert TEXT not in reply.get_data(as_text=True)
    assert took_s < WITHIN_S
    assert reviews_in(store_url) == 0


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_model_service_that_misbehaves_is_a_503_in_time(make_app, store_url, behaviour):
    with misbehaving(BEHAVIOURS[behaviour]) as url:
        assert_unavailable_at_once(make_app(url).test_client(), store_url)


def test_a_model_service_that_is_down_is_a_503_in_time(make_app, store_url):
    assert_unavailable_at_once(make_app("http://127.0.0.1:9").test_client(), store_url)


def test_a_name_that_does_not_resolve_is_a_503_in_time(make_app, store_url):
    assert_unavailable_at_once(make_app("http://no-such-host.invalid").test_client(), store_url)


def test_the_good_answer_of_this_table_is_accepted(make_app):
    with misbehaving(says(changed(moderation={"toxic": 0.1}))) as url:
        reply = make_app(url).test_client().post("/api/reviews", json={"text": TEXT})
    assert reply.status_code == 201, "and members that we do not know yet are no rubbish"


def test_the_page_keeps_the_text_and_says_that_nothing_was_stored(make_app):
    client = make_app().test_client()
    reply = client.post("/reviews", data={"text": TEXT}, headers={"Accept": "text/html"})
    page = reply.get_data(as_text=True)
    assert reply.status_code == 503
    assert reply.headers["Retry-After"]
    assert f"{TEXT}</textarea>" in page
    assert "was not stored" in page
    assert reply.headers["X-Request-Id"] in page


def test_htmx_gets_the_problem_as_a_piece(make_app):
    headers = {"Accept": "text/html", "HX-Request": "true"}
    reply = make_app().test_client().post("/reviews", data={"text": TEXT}, headers=headers)
    page = reply.get_data(as_text=True)
    assert reply.status_code == 503
    assert "was not stored" in page
    assert "<html" not in page


def test_a_dead_model_service_is_not_asked_by_everybody(make_app):
    with misbehaving(silent) as url:
        client = make_app(url, model_timeout_s=0.1).test_client()
        for _ in range(5):
            client.post("/api/reviews", json={"text": TEXT})
        client.post("/api/reviews", json={"text": TEXT})
        assert 'outcome="breaker_open"' in client.get("/metrics").get_data(as_text=True)


def test_a_crowd_at_a_silent_model_service_hears_of_it_in_time_and_the_pages_go_on(store_url, tmp_path, environments):
    def ask(_: int) -> tuple[int, float]:
        started = time.monotonic()
        status = httpx.post(f"{app.url}/api/reviews", json={"text": TEXT}, timeout=30).status_code
        return status, time.monotonic() - started

    with (
        misbehaving(silent) as url,
        running("review-app", environments["app"](store_url, "v1", url), tmp_path / "app.log") as app,
        ThreadPoolExecutor(24) as crowd,
    ):
        replies = list(crowd.map(ask, range(48)))
        assert httpx.get(app.url, timeout=5).status_code == 200
    assert {status for status, _ in replies} == {503}
    assert max(took_s for _, took_s in replies) < 1.5 * WITHIN_S, "24 at once for 8 threads, on a busy machine"


def test_the_app_recovers_when_the_model_service_does(make_app):
    healthy = threading.Event()

    def behave(connection: socket.socket) -> None:
        (says(answer(GOOD)) if healthy.is_set() else hang_up)(connection)

    with misbehaving(behave) as url:
        client = make_app(url).test_client()
        for _ in range(7):
            assert client.post("/api/reviews", json={"text": TEXT}).status_code == 503
        healthy.set()
        until = time.monotonic() + 5
        while client.post("/api/reviews", json={"text": TEXT}).status_code != 201:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_a_connection_that_died_while_idle_is_replaced(make_app):
    with misbehaving(says(answer(GOOD))) as url:  # keeps the connection by its words, closes it by its deeds
        client = make_app(url).test_client()
        for _ in range(3):
            assert client.post("/api/reviews", json={"text": TEXT}).status_code == 201
