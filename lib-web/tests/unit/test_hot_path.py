"""The short way for plain requests: what it takes, what it leaves, and that nobody can tell the difference."""

import io
import json
from typing import Never

import pytest
import structlog
from flask import Response, request
from lib_version import build_info
from lib_web.hot_path import PlainReply
from lib_web.metrics import exposition
from lib_web.service import Readiness, hot_path, new_service
from werkzeug.test import TestResponse

PLAIN = {"CONTENT_TYPE": "application/json"}
BODY = b'{"n": 1}'


@pytest.fixture
def app():
    app = new_service(
        "hot",
        title="Hot",
        description="",
        max_body_bytes=100,
        build=build_info("lib-web"),
        ready=lambda: Readiness(ready=True),
    )

    @app.post("/double")
    def double() -> Response:
        body = request.get_data()
        structlog.contextvars.bind_contextvars(asked=len(body))
        return Response(b"slow " + body, mimetype="application/json")

    def answer(body: bytes) -> PlainReply | None:
        if b"fail" in body:
            raise RuntimeError("not for here")
        return None if b"leave" in body else PlainReply(b"fast " + body, (("X-Own", "1"),), {"asked": len(body)})

    hot_path(app).add("/double", answer, max_body_bytes=100)
    return app


@pytest.fixture
def ask(app):
    def ask(body: bytes = BODY, **environ: str) -> TestResponse:
        return app.test_client().post("/double", data=body, environ_overrides={**PLAIN, **environ})

    return ask


def test_a_plain_request_is_answered_before_flask(ask):
    reply = ask()
    assert (reply.status_code, reply.data) == (200, b"fast " + BODY)
    assert reply.headers["X-Own"] == "1"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert len(reply.headers["X-Request-Id"]) == 32


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_AUTHORIZATION": "Bearer x"},
        {"HTTP_ACCEPT": "application/x-ndjson"},
        {"HTTP_ACCEPT": "application/json, text/html"},
        {"CONTENT_TYPE": "application/json; charset=utf-8"},
        {"CONTENT_TYPE": ""},
    ],
)
def test_an_odd_request_is_flasks(ask, environ):
    assert ask(**environ).data == b"slow " + BODY


@pytest.mark.parametrize("body", [b'"leave"', b'"fail"'])
def test_what_is_left_or_fails_here_reaches_flask_with_its_body(ask, body):
    assert ask(body).data == b"slow " + body


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b"x" * 101, 413)])
def test_a_body_that_is_none_or_too_long_is_flasks(ask, body, status):
    assert ask(body).status_code == status


@pytest.mark.parametrize("length", ["-1", "1e1", " 8", "99999999999", "²"])
def test_a_length_that_is_no_plain_number_is_flasks(app, length):
    hot = hot_path(app)
    seen = []
    hot._wsgi_app = lambda environ, _start: seen.append(environ) or [b""]
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/double", "CONTENT_LENGTH": length, **PLAIN}
    assert list(hot(environ, None)) == [b""]
    assert len(seen) == 1


def test_another_method_is_refused_by_flask(app):
    assert app.test_client().get("/double").status_code == 405


def test_a_body_cut_off_is_refused_by_flask(app):
    environ = {"wsgi.input": io.BytesIO(b'{"n'), "CONTENT_LENGTH": "8", **PLAIN}
    assert app.test_client().post("/double", environ_overrides=environ).status_code == 400


def test_a_body_that_stalls_is_refused_at_once_by_flask(app):
    class Stalled(io.BytesIO):
        asked = 0

        def read(self, _size: int = -1) -> Never:
            Stalled.asked += 1
            raise BlockingIOError

    environ = {"wsgi.input": Stalled(), "CONTENT_LENGTH": "8", **PLAIN}
    assert app.test_client().post("/double", environ_overrides=environ).status_code == 408
    assert Stalled.asked == 1


def test_both_ways_are_logged_and_measured_alike(app, ask):
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        ask(HTTP_X_REQUEST_ID="one")
        ask(HTTP_X_REQUEST_ID="one", HTTP_ACCEPT="text/html")
    fast, slow = ({name: value for name, value in line.items() if name != "ms"} for line in lines)
    assert fast == slow
    assert (fast["event"], fast["route"], fast["status"], fast["asked"]) == ("request", "/double", 200, len(BODY))
    figures = exposition(app).decode()
    assert 'palate_http_requests_total{method="POST",route="/double",status="2xx"} 2.0' in figures
    assert 'palate_http_request_seconds_count{method="POST",route="/double"} 2.0' in figures


def test_nothing_of_an_earlier_request_stands_in_the_log(ask):
    structlog.contextvars.bind_contextvars(left_over="of another request")
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        assert json.loads(ask().data.removeprefix(b"fast ")) == {"n": 1}
    assert "left_over" not in lines[0]
