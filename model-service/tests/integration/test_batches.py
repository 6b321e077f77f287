"""Many texts in one request: on a test client, and over sockets against the real server."""

import gzip
import json
import socket
import time

import pytest
from model_service import create_app
from model_service.domain import Model
from model_service.settings import read_settings
from real_process import resident_kib

LINES = {"Accept": "application/x-ndjson"}
GOOD = ["The soup was cold.", "good soup, lovely waiter"]
BAD = {
    "a number": (7, "Input should be a valid string"),
    "null": (None, "Input should be a valid string"),
    "an object": ({"text": "good"}, "Input should be a valid string"),
    "empty": ("", "String should have at least 1 character"),
    "blank": (" \t\u2003", "Must not be blank."),
    "NUL": ("a\0b", "Must not contain the NUL character."),
    "too long": ("é" * 2_001, "String should have at most 2000 characters"),
}


def settled(verdict: dict) -> dict:
    """What does not change from one prediction to the next."""
    return {name: value for name, value in verdict.items() if name not in {"id", "cached"}}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("lines", [True, False])
def test_a_bad_text_gets_a_problem_in_its_place_and_its_neighbours_their_verdict(client, name, lines):
    bad, rule = BAD[name]
    reply = client.post("/predict", json={"texts": [GOOD[0], bad, GOOD[1]]}, headers=LINES if lines else {})
    assert reply.status_code == 200
    assert reply.mimetype == ("application/x-ndjson" if lines else "application/json")
    results = [json.loads(line) for line in reply.text.splitlines()] if lines else reply.json["results"]
    alone = [client.post("/predict", json={"text": text}).json for text in GOOD]
    assert [settled(results[0]), settled(results[2])] == [settled(verdict) for verdict in alone]
    assert results[1] == {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "The text does not fit: texts.1.",
        "instance": "/predict",
        "request_id": reply.headers["X-Request-Id"],
        "errors": [{"field": "texts.1", "detail": rule}],
    }
    assert len({verdict["id"] for verdict in (results[0], results[2], *alone)}) == 4
    assert reply.headers["X-Palate-Model-Version"] == "v1"


@pytest.mark.parametrize("body", [{"texts": [*GOOD, 7]}, {"text": GOOD[0]}])
@pytest.mark.parametrize("accept", [{}, LINES])
def test_without_an_explanation_everything_else_of_the_verdict_stays(client, body, accept):
    def results(reply) -> list[dict]:
        lines = [json.loads(line) for line in reply.text.splitlines()]
        return lines[0].get("results", lines)

    explained = results(client.post("/predict", json=body | {"explain": True}, headers=accept))
    plain = results(client.post("/predict", json=body | {"explain": False}, headers=accept))
    for whole, short in zip(explained, plain, strict=True):
        if "status" in whole:
            assert short["errors"] == whole["errors"]
            continue
        reasons = whole.pop("explanation")
        assert reasons
        for name in ("probability", "labels"):
            assert short.pop(name) == pytest.approx(whole.pop(name), abs=1e-12)
        assert settled(short) == settled(whole)


def test_many_get_the_very_numbers_that_each_would_get_alone(client):
    texts = [f"{first} {second}" for first in GOOD for second in (*GOOD, "Crème brûlée, isn't it?", "good good cold")]
    for explain in (True, False):
        together = client.post("/predict", json={"texts": texts, "explain": explain}).json["results"]
        alone = [client.post("/predict", json={"text": text, "explain": explain}).json for text in texts]
        assert [settled(verdict) for verdict in together] == [settled(verdict) for verdict in alone]


@pytest.mark.parametrize("beginning", ['{"explain": false, "texts"', '{ "explain" :false,"texts"', '{"texts"'])
def test_explain_may_stand_before_the_texts_of_a_long_body(client, beginning):
    ending = ', "explain": false}' if "explain" not in beginning else "}"
    body = beginning + ': ["' + "good soup " * 190 + '"' + (', "' + "good soup " * 190 + '"') * 700 + "]" + ending
    assert len(body) > 1_000_000
    reply = client.post("/predict", data=body, content_type="application/json")
    assert (reply.status_code, len(reply.json["results"])) == (200, 701)
    assert not any("explanation" in verdict for verdict in reply.json["results"])


@pytest.mark.parametrize("explain", [None, 0, 1, "false", "", [], {"a": 1}])
def test_explain_is_true_or_false_and_nothing_else(client, explain):
    for body in ({"text": "good"}, {"texts": ["good"]}, {"explain": explain, "texts": ["good"]}):
        reply = client.post("/predict", data=json.dumps({**body, "explain": explain}), content_type="application/json")
        assert (reply.status_code, reply.json["errors"][0]["field"]) == (422, "explain")


def test_a_text_that_the_model_fails_on_does_not_fail_its_neighbours(client, monkeypatch, caplog):
    explain = Model.explain

    def moody(self: Model, text: str) -> object:
        broken = text == GOOD[0]
        return explain(self, 1 if broken else text)  # what no text is: the scorer raises

    monkeypatch.setattr(Model, "explain", moody)
    results = client.post("/predict", json={"texts": GOOD}).json["results"]
    assert (results[0]["status"], results[0]["type"]) == (500, "/problems/classifier-failed")
    assert results[0]["errors"][0]["field"] == "texts.0"
    assert results[1]["label"]
    assert GOOD[0] not in caplog.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"texts": []}, "texts"),
        ({"texts": ["a"] * 10_001}, "texts"),
        ({"texts": "good"}, "texts"),
        ({"texts": None}, "texts"),
        ({"texts": {"0": "good"}}, "texts"),
        ({"texts": ["good"], "text": "good"}, "text"),
        ({"text": "good", "texts": ["good"]}, "texts"),
        ({"texts": ["good"], "lang": "en"}, "lang"),
    ],
    ids=range(8),
)
def test_a_batch_that_does_not_fit_as_a_whole_is_refused(client, body, field):
    reply = client.post("/predict", json=body)
    assert (reply.status_code, reply.mimetype) == (422, "application/problem+json")
    assert reply.json["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("accept", "lines"),
    [
        ("application/x-ndjson", True),
        ("application/x-ndjson, */*", True),
        ("application/json;q=0.5, application/x-ndjson", True),
        ("application/json, application/x-ndjson;q=0.9", False),
        ("application/x-ndjson;q=0", False),
        ("application/x-ndjson;q=0, text/html", False),
        ("*/*", False),
        ("text/html", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_lines_go_to_whoever_likes_them_better_and_json_to_everybody_else(client, accept, lines):
    for body in ({"texts": GOOD}, {"text": GOOD[0]}):
        reply = client.post("/predict", json=body, headers={"Accept": accept})
        assert (reply.mimetype == "application/x-ndjson") is lines
        assert [bool(json.loads(line)) for line in reply.text.splitlines()]


def test_ten_thousand_texts_are_answered_in_their_order(client):
    texts = [f"good soup number {number}" if number % 100 else number for number in range(10_000)]
    reply = client.post("/predict", json={"texts": texts}, headers=LINES)
    results = [json.loads(line) for line in reply.text.splitlines()]
    assert len(results) == 10_000
    assert [place for place, result in enumerate(results) if "status" in result] == list(range(0, 10_000, 100))
    assert results[9_900]["errors"][0]["field"] == "texts.9900"
    assert len({result["id"] for result in results if "id" in result}) == 9_900


def test_a_batch_is_counted_as_its_texts_would_be(settings):
    together, apart = create_app(settings).test_client(), create_app(settings).test_client()
    texts = [f"good soup {'and cold ' * number}" for number in range(20)]
    together.post("/predict", json={"texts": [*texts[:10], ""]})
    together.post("/predict", json={"texts": texts[10:], "explain": False})
    for text in texts:
        apart.post("/predict", json={"text": text})

    def counted(client) -> list[str]:
        wanted = ("palate_predictions_total", "palate_coverage_ratio", "palate_prediction_seconds_count")
        return [line for line in client.get("/metrics").text.splitlines() if line.startswith(wanted)]

    assert counted(together) == counted(apart)
    assert len(counted(together)) > 10


@pytest.mark.usefixtures("settings")
def test_the_number_of_texts_and_the_length_of_the_body_are_the_operator_s(monkeypatch):
    monkeypatch.setenv("MODEL_SERVICE_MAX_TEXTS", "2")
    monkeypatch.setenv("MODEL_SERVICE_MAX_BODY_BYTES", "100")
    monkeypatch.setenv("MODEL_SERVICE_MAX_BATCH_BYTES", "1000")
    client = create_app(read_settings()).test_client()

    def post(body: bytes) -> tuple[int, str]:
        reply = client.post("/predict", data=body, content_type="application/json")
        return reply.status_code, reply.json.get("detail", "")

    assert post(b'{"texts": ["a", "b"]}')[0] == 200
    assert post(b'{"texts": ["a", "b", "c"]}')[0] == 422
    assert post(b' \n{ "texts" : ["a"]}'.ljust(1_000))[0] == 200
    assert post(b'{"texts": ["a"]}'.ljust(1_001)) == (413, "The body is longer than the limit of 1000 bytes.")
    assert post(b'{"text": "a"}'.ljust(100))[0] == 200
    assert post(b'{"text": "a"}'.ljust(101)) == (413, "The body is longer than the limit of 100 bytes.")


def chunked(body: bytes, head: bytes = b"") -> bytes:
    framed = b"".join(
        b"%x\r\n%s\r\n" % (len(body[at:][:8_192]), body[at:][:8_192]) for at in range(0, len(body), 8_192)
    )
    return (
        b"POST /predict HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n" + head + b"\r\n" + framed + b"0\r\n\r\n"
    )


def test_a_megabyte_and_a_byte_of_one_text_is_refused_at_once_with_or_without_a_length(shared_service):
    body = b'{"text": "a"}'.ljust(1_000_001)
    whole = (
        b"POST /predict HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    for raw in (whole, chunked(body)):
        started = time.monotonic()
        reply = shared_service.send(raw)
        assert reply.startswith(b"HTTP/1.1 413 ")
        assert b"1000000 bytes" in reply
        assert time.monotonic() - started < 1


@pytest.mark.parametrize("framed", [True, False])
def test_a_batch_of_megabytes_is_read_however_it_is_sent(shared_service, framed):
    body = json.dumps({"texts": ["good soup " * 190] * 1_000}).encode()
    if framed:
        reply = shared_service.send(chunked(body))
        assert reply.startswith(b"HTTP/1.1 200 ")
    else:
        status, _, reply = shared_service.ask("POST", "/predict", body)
        assert status == 200
    assert reply.count(b'"explanation"') == 1_000


def test_a_compressed_batch_is_read_and_a_bomb_of_texts_refused(shared_service):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    body = json.dumps({"texts": ["good soup " * 190] * 1_000}).encode()
    assert shared_service.ask("POST", "/predict", gzip.compress(body), headers)[0] == 200
    bombs = [b'{"text": "' + b"a" * 50_000_000, b'{"texts": ["' + b"a" * 50_000_000]
    for bomb, limit in zip(bombs, (b"1000000", b"32000000"), strict=True):
        packed = gzip.compress(bomb, 9)
        before = resident_kib(shared_service.worker())
        started = time.monotonic()
        status, _, reply = shared_service.ask("POST", "/predict", packed, headers)
        assert (status, limit in reply) == (413, True)
        assert time.monotonic() - started < (1 if limit == b"1000000" else 5)
        assert resident_kib(shared_service.worker()) - before < (8_192 if limit == b"1000000" else 65_536)


def test_lines_come_while_the_rest_is_scored_and_a_client_that_leaves_ends_it(service):
    body = json.dumps({"texts": ["good soup and a cold waiter " * 60] * 9_000}).encode()
    head = (
        b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAccept: application/x-ndjson\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as leaver:
        leaver.sendall(head + body)
        first = leaver.recv(4_096)
        assert first.startswith(b"HTTP/1.1 200 ")
        assert b"application/x-ndjson" in first
    time.sleep(1.0)

    def predicted() -> float:
        metrics = service.ask("GET", "/metrics")[2].decode()
        lines = [line for line in metrics.splitlines() if line.startswith("palate_predictions_total")]
        return sum(float(line.split()[-1]) for line in lines)

    service.wait_until(lambda: 0 < predicted() < 9_000)
    seen = predicted()
    time.sleep(0.5)
    assert predicted() == seen < 9_000
