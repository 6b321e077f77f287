import pytest
from apiflask import abort
from flask import Flask, Response, request
from lib_web.problems import Problem, explain_failures, problem_response, register_problems

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_an_unknown_path_is_a_problem(client):
    reply = client.get("/nowhere")
    assert (reply.status_code, reply.mimetype) == (404, "application/problem+json")
    assert reply.json["title"] == "Not Found"


def test_a_wrong_method_is_a_problem_that_names_the_right_one(client):
    reply = client.delete("/greet")
    assert reply.status_code == 405
    assert reply.json["status"] == 405
    assert "POST" in reply.headers["Allow"]


def test_odd_bytes_in_a_path_are_quoted_in_the_instance(client):
    assert client.get("/a%00b").json["instance"] == "/a%00b"
    assert client.get("/a%ff").status_code == 404


def test_a_problem_of_our_own_keeps_its_kind_and_headers(client):
    reply = client.get("/refuse")
    assert (reply.status_code, reply.json["type"], reply.headers["Retry-After"]) == (409, "/problems/busy", "7")


def test_an_unexpected_exception_is_a_bare_500(client):
    reply = client.get("/fail")
    assert (reply.status_code, reply.mimetype) == (500, "application/problem+json")
    assert b"soup" not in reply.data
    assert b"Traceback" not in reply.data


def test_a_developer_is_told_type_and_frames_but_never_the_words(app):
    @app.get("/fail-with")
    def fail_with() -> Response:
        raise ValueError(request.args["words"])

    client = app.test_client()
    assert "exception" not in client.get("/fail-with?words=soup").json
    explain_failures(app)
    reply = client.get("/fail-with?words=soup")
    assert (reply.status_code, reply.json["exception"][0]) == (500, "builtins.ValueError")
    assert any("fail_with" in frame for frame in reply.json["exception"][1:])
    assert b"soup" not in reply.data
    assert "exception" not in client.get("/nowhere").json


def test_apiflask_s_abort_is_a_problem_too(app):
    @app.get("/teapot")
    def teapot() -> Response:
        abort(418)

    reply = app.test_client().get("/teapot")
    assert (reply.status_code, reply.mimetype) == (418, "application/problem+json")


def test_a_reply_given_to_werkzeug_s_abort_is_left_alone(app):
    from flask import abort as flask_abort  # noqa: PLC0415 - beside apiflask's

    @app.get("/made")
    def made() -> Response:
        flask_abort(Response("mine", 402))

    assert app.test_client().get("/made").data == b"mine"


@pytest.fixture
def page_client(app):
    register_problems(app, render=lambda problem: Response(f"<h1>{problem.title}</h1>", mimetype="text/html"))
    return app.test_client()


def test_a_browser_gets_the_page_of_a_problem(page_client):
    reply = page_client.get("/refuse", headers=HTML)
    assert (reply.status_code, reply.mimetype, reply.data) == (409, "text/html", b"<h1>Conflict</h1>")
    assert reply.headers["Retry-After"] == "7"


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json", "*/*", "text/csv"])
def test_everyone_else_gets_the_document(page_client, accept):
    assert page_client.get("/refuse", headers={"Accept": accept}).mimetype == "application/problem+json"


def test_extensions_are_members_of_the_document():
    app = Flask("plain")
    with app.test_request_context("/x"):
        reply = problem_response(Problem(503, "Service Unavailable", "No.", extensions={"ready": False}))
        assert reply.json["ready"] is False
        assert request.path == reply.json["instance"]


def test_outside_a_request_a_problem_has_no_instance():
    assert "instance" not in Problem(503, "Service Unavailable", "No.").document()
