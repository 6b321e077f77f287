import gzip
import io
import itertools
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import brotli
import pytest
from flask import Response
from lib_web.compression import decoder, with_compression

JSON = "application/json"
WORDS = ("the soup was cold and the waiter lovely " * 50).encode()
LIMIT = 4_000  # the greeter's


def unpacked(reply) -> bytes:
    return {"gzip": gzip.decompress, "br": brotli.decompress}[reply.headers["Content-Encoding"]](reply.data)


@pytest.fixture
def client(app):
    @app.get("/long")
    def long() -> Response:
        return Response(WORDS, mimetype="text/plain")

    @app.get("/lines")
    def lines() -> Response:
        return Response((b"line %d\n" % number for number in range(3)), mimetype="application/x-ndjson")

    @app.get("/picture")
    def picture() -> Response:
        return Response(WORDS, mimetype="image/png")

    @app.get("/kept")
    def kept() -> Response:
        return Response(WORDS, mimetype="text/css", headers={"Cache-Control": "public", "ETag": '"a"'})

    @app.get("/packed")
    def packed() -> Response:
        return Response(gzip.compress(WORDS), mimetype="text/css", headers={"Content-Encoding": "gzip"})

    return app.test_client()


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("GZIP", "gzip"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("", None),
        ("identity", None),
        ("identity;q=1, gzip;q=0.5", None),
        ("gzip;q=0", None),
        ("gzip;q=nonsense", None),
        ("zstd", None),
        ("gzip, " * 500, None),
    ],
)
def test_a_long_text_is_compressed_by_what_the_client_likes_best(client, accepted, coding):
    reply = client.get("/long", headers={"Accept-Encoding": accepted})
    assert reply.headers.get("Content-Encoding") == coding
    assert (unpacked(reply) if coding else reply.data) == WORDS
    assert int(reply.headers["Content-Length"]) == len(reply.data)
    if coding:
        assert reply.headers["Vary"] == "Accept-Encoding"
        assert len(reply.data) < len(WORDS) / 5


@pytest.mark.parametrize("path", ["/livez", "/picture", "/packed"])
def test_what_is_short_or_no_text_or_packed_already_is_left_alone(client, path):
    plain = client.get(path)
    reply = client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert reply.data == plain.data
    assert reply.headers.get("Content-Encoding") == plain.headers.get("Content-Encoding")


def test_a_problem_and_a_head_are_answered_as_ever(client):
    assert client.get("/nowhere", headers={"Accept-Encoding": "gzip"}).status_code == 404
    reply = client.head("/long", headers={"Accept-Encoding": "gzip"})
    assert (reply.status_code, reply.data) == (200, b"")
    assert int(reply.headers["Content-Length"]) == len(WORDS)


def test_what_a_cache_may_keep_says_that_it_varies_and_weakens_its_tag(client):
    plain, packed = client.get("/kept"), client.get("/kept", headers={"Accept-Encoding": "br"})
    assert plain.headers.getlist("Vary") == packed.headers.getlist("Vary") == ["Accept-Encoding"]
    assert (plain.headers["ETag"], packed.headers["ETag"]) == ('"a"', 'W/"a"')


def test_a_file_larger_than_a_piece_is_compressed_as_it_is_read(client):
    with client.get("/docs/swagger-ui-bundle.js") as plain:
        with client.get("/docs/swagger-ui-bundle.js", headers={"Accept-Encoding": "gzip"}) as packed:
            assert unpacked(packed) == plain.data
        etag = packed.headers["ETag"]
    with client.get("/docs/swagger-ui-bundle.js", headers={"If-None-Match": etag}) as again:
        assert again.status_code == 304


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_each_line_of_a_stream_can_be_read_when_it_is_sent(coding):
    def lines(_environ, start_response) -> object:
        start_response("200 OK", [("Content-Type", "application/x-ndjson")])
        return (b"line %d\n" % number for number in range(3))

    environ = {"HTTP_ACCEPT_ENCODING": coding, "REQUEST_METHOD": "GET"}
    pieces = iter(with_compression(lines)(environ, lambda *_: None))
    reader = zlib.decompressobj(31) if coding == "gzip" else brotli.Decompressor()
    read = reader.decompress if coding == "gzip" else reader.process
    assert [read(piece) for piece in itertools.islice(pieces, 3)] == [b"line 0\n", b"line 1\n", b"line 2\n"]


def test_a_client_that_leaves_a_compressed_stream_ends_the_work():
    ended = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"a", b"b"])

        def close(self) -> None:
            ended.append(True)

    def lines(_environ, start_response) -> object:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Body()

    body = with_compression(lines)({"HTTP_ACCEPT_ENCODING": "br", "REQUEST_METHOD": "GET"}, lambda *_: None)
    next(iter(body))
    body.close()
    assert ended == [True]


def packed(coding: str, body: bytes) -> bytes:
    return gzip.compress(body) if coding == "gzip" else brotli.compress(body)


def greet(client, coding: str, body: bytes):
    return client.post("/greet", data=body, content_type=JSON, headers={"Content-Encoding": coding})


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "x-gzip", "identity"])
def test_a_compressed_body_is_read(client, coding):
    plain = b'{"text": "caf\\u00e9"}'.ljust(LIMIT)
    body = plain if coding == "identity" else packed(coding.lower().removeprefix("x-"), plain)
    assert greet(client, coding, body).json["chars"] == 4


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_body_too_long_once_it_is_decoded_is_refused_naming_the_limit(client, coding):
    reply = greet(client, coding, packed(coding, b'{"text": "a"}'.ljust(LIMIT + 1)))
    assert reply.status_code == 413
    assert "4000 bytes" in reply.json["detail"]


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_bomb_costs_neither_memory_nor_time(client, coding):
    bomb = packed(coding, b"[" * 100_000_000)
    bomb = bomb[:LIMIT]  # no longer than the limit itself: all of it is read
    tracemalloc.start()
    started = time.perf_counter()
    try:
        reply = greet(client, coding, bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reply.status_code == 413
    assert peak < 3_000_000
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_body_cut_off_corrupt_or_with_more_behind_it_is_a_400(client, coding):
    body = packed(coding, b'{"text": "the soup was cold"}')
    for broken in (body[:-3], b"", b"nonsense", body + b"more", body[:-12] + bytes(4) + body[-8:], body + body):
        reply = greet(client, coding, broken)
        assert (reply.status_code, reply.mimetype) == (400, "application/problem+json"), broken


@pytest.mark.parametrize("coding", ["zstd", "deflate", "gzip, gzip", "nonsense"])
def test_an_unknown_encoding_is_refused_and_names_those_that_are_known(client, coding):
    reply = greet(client, coding, b"\x1f\x8b")
    assert reply.status_code == 415
    assert reply.headers["Accept-Encoding"] == "br, gzip, identity"
    assert reply.json["errors"][0]["field"] == "Content-Encoding"


@pytest.mark.parametrize("coding", ["gzip", "br"])
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_body_is_decoded_the_same_however_it_is_cut(coding, size):
    body = bytes(range(256)) * 400
    raw = io.BytesIO(packed(coding, body))
    decode, out = decoder(coding), b""
    while piece := raw.read(size):
        made = decode.decode(piece, 100)
        while made:
            assert len(made) <= 70_000
            out += made
            made = decode.decode(b"", 100)
    assert out == body
    assert decode.finished
