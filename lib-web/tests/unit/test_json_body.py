import pytest

JSON = "application/json"
DEEP = b"[" * 100_000
BAD = [
    (b"", 400, "body"),
    (b"nonsense", 400, "body"),
    (b'{"text": "a"} and more', 400, "body"),
    (b'{"text": "\xff"}', 400, "body"),
    (b'{"text": "\\ud800"}', 400, "body"),
    (b'{"text": ' + b"9" * 3_900 + b"}", 422, "text"),
    (b'{"text": NaN}', 400, "body"),
    (b'{"text": -Infinity}', 400, "body"),
    (b"[" * 3_000, 400, "body"),
    (b'{"text": ' + b"[" * 3_000, 400, "body"),
    (b'\xef\xbb\xbf{"text": "a"}', 400, "body"),
    (b"null", 422, "body"),
    (b"[]", 422, "body"),
    (b'"text"', 422, "body"),
    (b"{}", 422, "text"),
    (b'{"text": null}', 422, "text"),
    (b'{"text": 1}', 422, "text"),
    (b'{"text": ["a"]}', 422, "text"),
    (b'{"text": ""}', 422, "text"),
    (b'{"text": " \\t\\n\\u00a0"}', 422, "text"),
    (b'{"text": "a\\u0000b"}', 422, "text"),
    (b'{"text": "' + b"a" * 51 + b'"}', 422, "text"),
    (b'{"text": "a", "sauce": 1}', 422, "sauce"),
    (b'{"text": "a", "the soup was cold": 1}', 422, "(unknown)"),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD, ids=[repr(body[:30]) for body, _, _ in BAD])
def test_a_body_that_does_not_fit_is_refused_naming_the_field(client, body, status, field):
    reply = client.post("/greet", data=body, content_type=JSON)
    assert (reply.status_code, reply.mimetype) == (status, "application/problem+json")
    assert reply.json["errors"][0]["field"] == field
    assert reply.json["status"] == status
    assert reply.json["instance"] == "/greet"
    assert reply.json["request_id"] == reply.headers["X-Request-Id"]


def test_a_good_body_is_read(client):
    assert client.post("/greet", data=b'{"text": "caf\\u00e9"}', content_type=JSON).json["chars"] == 4
    assert client.post("/greet", data=b'{"text": "a"}', content_type=JSON + "; charset=UTF-8").status_code == 200


def test_a_text_over_the_limit_is_refused_and_names_the_limit(client):
    reply = client.post("/greet", json={"text": "a" * 51})
    assert "50" in reply.json["errors"][0]["detail"]


def test_the_last_of_two_equal_keys_counts(client):
    assert client.post("/greet", data=b'{"text": "a", "text": "abc"}', content_type=JSON).json["chars"] == 3


def test_every_field_at_fault_is_named_at_once(client):
    reply = client.post("/wish", json={"name": 1, "times": "2", "more": 0})
    assert [error["field"] for error in reply.json["errors"]] == ["name", "times", "more"]


def test_a_body_with_hundreds_of_unknown_fields_gets_a_short_answer(client):
    body = {f"field{number}": 0 for number in range(200)}
    reply = client.post("/wish", json=body)
    assert reply.status_code == 422
    assert len(reply.json["errors"]) == 20


def test_an_error_deep_inside_is_named_by_its_path(client):
    assert client.post("/wish", json={"name": {}, "times": 1}).json["errors"][0]["field"] == "name"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""]
)
def test_another_content_type_is_refused(client, kind):
    reply = client.post("/greet", data=b'{"text": "a"}', content_type=kind)
    assert reply.status_code == 415
    assert reply.headers["Accept"] == JSON
    assert reply.json["errors"][0]["field"] == "Content-Type"


def test_a_body_over_the_limit_is_refused_and_names_the_limit(client):
    reply = client.post("/greet", data=b" " * 4_001, content_type=JSON)
    assert reply.status_code == 413
    assert "4000 bytes" in reply.json["detail"]
    assert client.post("/greet", data=b'{"text":"a"}'.ljust(4_000), content_type=JSON).status_code == 200


def test_no_answer_repeats_what_was_sent(client):
    for body in (b'{"text": ["cold soup"]}', b'{"text": "cold soup', b'{"cold soup": 1}', b'"cold soup"'):
        assert b"cold soup" not in client.post("/greet", data=body, content_type=JSON).data
