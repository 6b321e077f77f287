"""The toxicity API, version 1: its shapes to the letter, and its fields honoured."""

import json

import pytest
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
from model_service import create_app
from small_models import make_moderator

ORDER = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
HELLO = {"request_id": 1234, "text": "hello", "network": "mlp", "language": "en-US", "encoding_type": "UTF-8"}
JSON = "application/json"
TEXT = "Crème brûlée, the worst soup – and the staff!"


@pytest.fixture
def client(moderated, client):  # noqa: ARG001 - published before the service looks
    """Of a service whose networks are published."""
    return client


def ask(client, **changes: object):
    return client.post(
        "/api/v1/predict", json={name: value for name, value in (HELLO | changes).items() if value is not None}
    )


def ask_in(
    client, encoding: str, named: str | None = None, content_type: str = JSON, text: str = TEXT, **dumping: object
):
    body = HELLO | {"text": text, "encoding_type": named or encoding}
    raw = json.dumps(body, **{"ensure_ascii": False, **dumping}).encode(encoding)
    return client.post("/api/v1/predict", data=raw, content_type=content_type)


def scores(reply) -> list[float]:
    assert reply.status_code == 200, reply.json
    return [each["sentiment_score"] for each in reply.json["sentiment"]]


def field_at_fault(reply) -> str:
    assert reply.status_code == 422, reply.json
    return reply.json["errors"][0]["field"]


def test_it_says_that_it_is_up(client):
    reply = client.get("/api/v1/health")
    assert (reply.status_code, reply.json) == (200, {"message": "Application is up and running"})


def test_the_answer_has_exactly_this_shape_in_this_order(client):
    reply = ask(client)
    assert (reply.status_code, list(reply.json)) == (200, ["request_id", "sentiment", "language"])
    assert (reply.json["request_id"], reply.json["language"]) == (1234, "en-US")
    assert [list(each) for each in reply.json["sentiment"]] == [["sentiment_type", "sentiment_score"]] * 6
    assert [each["sentiment_type"] for each in reply.json["sentiment"]] == ORDER
    assert all(0 <= score <= 1 for score in scores(reply))


@pytest.mark.parametrize(("network", "bundle"), [("mlp", "mlp"), ("logistic", "logistic"), (None, "mlp")])
def test_the_network_is_chosen_by_its_name(client, moderators, network, bundle):
    scorer = Scorer(load_bundle(moderators[bundle]))
    assert scores(ask(client, network=network, text=TEXT)) == pytest.approx(scorer.probabilities(TEXT), abs=1e-12)


@pytest.mark.parametrize("network", ["gpt", "", "MLP", "x" * 64])
def test_an_unknown_network_is_refused_naming_those_there_are(client, network):
    reply = ask(client, network=network)
    assert field_at_fault(reply) == "network"
    assert len(network) > 63 or reply.json["errors"][0]["detail"] == "Must be one of logistic, mlp."


@pytest.mark.parametrize("request_id", [0, -1, 2**63 - 1, -(2**63), "", "a-1", "é" * 200, "line\nbreak"])
def test_the_request_s_id_comes_back_as_it_was(client, request_id):
    assert ask(client, request_id=request_id).json["request_id"] == request_id


@pytest.mark.parametrize("request_id", [None, 2**63, 1.5, True, [], {}, "x" * 201])
def test_an_id_that_is_none_is_refused(client, request_id):
    assert field_at_fault(ask(client, request_id=request_id)) == "request_id"


@pytest.mark.parametrize("language", ["en-US", "en_GB", "EN", "en", "en-Latn-US", None])
def test_english_is_read_whatever_its_region(client, language):
    assert ask(client, language=language).json["language"] == (language or "en-US")


@pytest.mark.parametrize("language", ["de", "de-DE", "", "e", "english please", "en-", "-en", "en\n", "zh-en"])
def test_another_language_is_refused(client, language):
    assert field_at_fault(ask(client, language=language)) == "language"


def test_a_model_may_declare_other_languages(client, watcher, registry, tmp_path):
    registry.publish(make_moderator(tmp_path / "two", languages=("en", "de")).folder, "moderation/v1")
    watcher.look()
    assert ask(client, network="logistic", language="de-AT").status_code == 200
    assert field_at_fault(ask(client, network="logistic", language="fr")) == "language"
    assert field_at_fault(ask(client, network="mlp", language="de-AT")) == "language"


@pytest.mark.parametrize(
    "encoding", ["UTF-8", "cp1252", "mac-roman", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "utf-8-sig"]
)
def test_the_body_is_read_in_the_encoding_that_it_names(client, encoding):
    assert scores(ask_in(client, encoding)) == scores(ask(client, text=TEXT))


def test_the_place_of_the_field_does_not_matter(client):
    assert scores(ask_in(client, "cp1252", sort_keys=True)) == scores(ask(client, text=TEXT))


@pytest.mark.parametrize("encoding", ["rot13", "base64", "zip", "unicode_escape", "punycode", "utf-9", "", "../x", "é"])
def test_what_is_no_encoding_of_text_is_refused(client, encoding):
    assert field_at_fault(ask(client, encoding_type=encoding)) == "encoding_type"


@pytest.mark.parametrize(
    ("encoding", "named"), [("latin-1", "UTF-8"), ("UTF-8", "ascii"), ("UTF-8", "UTF-16"), ("cp1252", "UTF-32")]
)
def test_a_body_that_is_not_in_the_encoding_is_refused_naming_the_field(client, encoding, named):
    reply = ask_in(client, encoding, named, text="Crème brûlée")
    assert reply.status_code in ({400} if named == "UTF-8" else {422})
    if reply.status_code == 422:
        assert field_at_fault(reply) == "encoding_type"


@pytest.mark.parametrize(("charset", "status"), [("utf-8", 200), ("UTF8", 200), ("latin-1", 422), ("utf-9", 422)])
def test_the_charset_of_the_header_must_not_contradict(client, charset, status):
    assert ask_in(client, "UTF-8", content_type=f"{JSON}; charset={charset}").status_code == status


def test_a_charset_that_agrees_is_fine_in_another_encoding(client):
    assert scores(ask_in(client, "latin-1", "ISO-8859-1", f"{JSON}; charset=latin1", "brûlée"))


def test_an_encoding_that_is_hidden_or_given_twice_is_refused(client):
    hidden = json.dumps(HELLO | {"encoding_type": "cp1252"}).replace("encoding_type", "encoding\\u005ftype").encode()
    twice = json.dumps(HELLO | {"encoding_type": "cp1252"})[:-1].encode() + b', "encoding_type": "UTF-8"}'
    for raw in (hidden, twice):
        assert field_at_fault(client.post("/api/v1/predict", data=raw, content_type=JSON)) == "encoding_type"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": None}, "text"),
        ({"text": " "}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"more": 1}, "more"),
        ({"network": 1}, "network"),
    ],
)
def test_a_body_that_does_not_fit_names_the_field(client, changes, field):
    assert field_at_fault(ask(client, **changes)) == field


def test_another_type_of_content_is_refused(client):
    assert client.post("/api/v1/predict", data=b"{}", content_type="text/plain").status_code == 415


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"\xff\xfe", b"\x00\x00\x00", b"{\x00", b'{"encoding_type": "UTF-16"}']
)
def test_garbage_is_never_a_failure_of_ours(client, raw):
    assert client.post("/api/v1/predict", data=raw, content_type=JSON).status_code in {400, 422}


def test_a_network_that_was_never_published_is_not_there_yet(settings, registry):
    for alias in ("v1", "mlp"):
        (registry.root / "aliases" / "moderation" / f"{alias}.json").unlink(missing_ok=True)
    client = create_app(settings).test_client()
    reply = ask(client)
    assert (reply.status_code, reply.headers["Retry-After"], reply.json["type"]) == (503, "1", "/problems/no-model")
    assert client.get("/api/v1/health").status_code == 200
