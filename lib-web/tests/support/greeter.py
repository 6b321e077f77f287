"""A small service of our own kind; run as a program, under the real server on GREETER_PORT."""

import os
import time

from flask import Flask, Response, jsonify
from lib_version import BuildInfo
from lib_web.documentation import documented
from lib_web.json_body import Body, read_json
from lib_web.logging import configure_logging
from lib_web.problems import Problem
from lib_web.server import serve
from lib_web.service import Readiness, new_service
from lib_web.text_body import text_body

BUILD = BuildInfo("greeter", "1.2.3", "abc", "2026-01-01T00:00:00Z")
MAX_BODY_BYTES = 4_000
Greeting = text_body("Greeting", max_chars=50)


class Wish(Body):
    """Two fields, to see several errors at once."""

    name: str
    times: int


def create_app(*, ready: bool = True) -> Flask:
    """A greeter: one review in, its length out; and a view that fails with a review in its error."""
    app = new_service(
        "greeter",
        title="Greeter",
        description="Counts characters",
        max_body_bytes=MAX_BODY_BYTES,
        build=BUILD,
        ready=lambda: Readiness(ready, {"why": "as the test says"}),
        about=lambda: {"extra": 1},
    )

    @app.post("/greet")
    @documented(
        summary="Greet",
        tag="greeter",
        body=Greeting,
        body_example={"text": "hello"},
        problems={422: "text missing, blank or too long"},
    )
    def greet() -> Response:
        return jsonify(chars=len(read_json(Greeting).text), pid=os.getpid())

    @app.post("/wish")
    @documented(summary="Wish", body=Wish, reply=Wish)
    def wish() -> Response:
        return jsonify(read_json(Wish).model_dump())

    @app.get("/fail")
    def fail() -> Response:
        raise ValueError("the soup was cold")

    @app.get("/refuse")
    def refuse() -> Response:
        raise Problem(409, "Conflict", "Not now.", type_="/problems/busy", headers={"Retry-After": "7"})

    @app.get("/not-a-number")
    def not_a_number() -> Response:
        return jsonify(value=float("nan"))

    @app.get("/slow")
    def slow() -> Response:
        time.sleep(0.5)
        return jsonify(pid=os.getpid())

    return app


if __name__ == "__main__":
    configure_logging("greeter")
    serve(
        create_app,
        host="127.0.0.1",
        port=int(os.environ["GREETER_PORT"]),
        server=os.environ["GREETER_SERVER"],
        workers=int(os.environ["GREETER_WORKERS"]),
        threads=4,
        drain_s=float(os.environ.get("GREETER_DRAIN_S", "0")),
    )
