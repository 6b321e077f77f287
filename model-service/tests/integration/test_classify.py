"""Moderation of a message, for whoever has a token."""

from urllib.parse import quote

import pytest
from model_service import create_app
from model_service.domain import MODERATION_LABELS, Model
from model_service.settings import WrongSettings, read_settings
from overflowing_model import OVERFLOWING, make_overflowing
from real_process import RealProcess

TOKEN, OTHER = "k3J9vXwQ8rTz6LmN", "p7H2bYcD4sFg1JkW"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
MESSAGE = "The worst soup, and the staff!"
UNAUTHORIZED = "/problems/unauthorized"


@pytest.fixture
def environment(environment, tmp_path):
    file = tmp_path / "tokens.yaml"
    file.write_text(f"app: {TOKEN}\nscript: {OTHER}\n")
    return environment | {"MODEL_SERVICE_AUTH__TOKENS_FILE": str(file)}


@pytest.fixture
def moderating(moderated, client):  # noqa: ARG001 - published before the service looks
    """A client of a service whose networks are published."""
    return client


def test_a_message_is_broken_down_over_six_labels(moderating):
    reply = moderating.post("/classify", json={"message": MESSAGE}, headers=BEARER)
    assert reply.status_code == 200
    assert set(reply.json) == {
        "id", "label", "probability", "flagged", "labels", "explanation", "coverage", "model", "service_version",
    }  # fmt: skip
    assert tuple(reply.json["labels"]) == MODERATION_LABELS
    for each in reply.json["labels"].values():
        assert each["flagged"] is (each["probability"] >= each["threshold"])
    assert reply.json["flagged"] is any(each["flagged"] for each in reply.json["labels"].values())
    assert reply.json["probability"] == max(each["probability"] for each in reply.json["labels"].values())
    assert set(reply.json["model"]) == {"name", "version", "sha256"}


def test_feedback_on_a_break_down_is_refused_also_where_that_model_was_never_loaded(moderating, monkeypatch):
    prediction_id = moderating.post("/classify", json={"message": MESSAGE}, headers=BEARER).json["id"]
    monkeypatch.setenv("MODEL_SERVICE_NETWORKS", "{}")
    stranger = create_app(read_settings()).test_client()
    for client in (moderating, stranger):
        for label in ("positive", "toxic", None):
            reply = client.post("/feedback", json={"id": prediction_id, "label": label})
            assert (reply.status_code, reply.json["errors"][0]["field"]) == (422, "id")
            assert "another route" in reply.json["errors"][0]["detail"]


def test_a_message_in_the_query_gets_the_same_break_down(moderating):
    asked = [
        moderating.post("/classify", json={"message": "Crème brûlée & soup"}, headers=BEARER),
        moderating.get(f"/classify?message={quote('Crème brûlée & soup')}", headers=BEARER),
        moderating.get("/classify?message=Cr%C3%A8me+br%C3%BBl%C3%A9e+%26+soup", headers=BEARER),
    ]
    answers = [{**reply.json, "id": None} for reply in asked]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    "sent", [None, "Bearer", "Bearer ", "Basic YTpi", f"Bearer {TOKEN}x", "Bearer é", f"Token {TOKEN}"]
)
def test_without_a_valid_token_it_is_a_401_that_says_what_to_send(moderating, sent):
    headers = {} if sent is None else {"Authorization": sent}
    for reply in (
        moderating.post("/classify", json={"message": MESSAGE}, headers=headers),
        moderating.get("/classify?message=x", headers=headers),
    ):
        assert (reply.status_code, reply.json["type"]) == (401, UNAUTHORIZED)
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert TOKEN not in reply.text


def test_a_wrong_token_is_a_401_on_any_route_and_none_is_needed_where_none_is_asked_for(moderating):
    for path in ("/livez", "/models", "/metrics", "/api/v1/health", "/nowhere"):
        assert moderating.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert moderating.get(path).status_code in {200, 404}
        assert moderating.get(path, headers=BEARER).status_code in {200, 404}


@pytest.mark.parametrize("token", [TOKEN, OTHER])
def test_several_tokens_are_valid(moderating, token):
    headers = {"Authorization": f"bearer  {token} "}
    assert moderating.post("/classify", json={"message": MESSAGE}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "message"), ({"message": ""}, "message"), ({"message": " "}, "message"), ({"message": 7}, "message"),
     ({"message": "a\0b"}, "message"), ({"message": "é" * 2001}, "message"), ({"text": "x"}, "message"),
     ({"message": "x", "more": 1}, "more")],
)  # fmt: skip
def test_a_body_that_does_not_fit_names_the_field(moderating, body, field):
    reply = moderating.post("/classify", json=body, headers=BEARER)
    assert reply.status_code == 422
    assert field in {each["field"] for each in reply.json["errors"]}


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [("", 422, "message"), ("message=", 422, "message"), ("message=%20", 422, "message"),
     ("message=a%00b", 422, "message"),
     (f"message={'x' * 2001}", 422, "message"), ("message=a&message=b", 422, "message"), ("text=x", 422, "message"),
     ("message=x&more=1", 422, "more"), ("&".join(["message=x"] * 30), 422, None), ("message=%ff", 400, "query"),
     ("message=%C3", 400, "query"), ("message=%zz", 400, "query"), ("message=100%", 400, "query"),
     ("message=%ED%A0%80", 400, "query"), ("%ff=x", 400, "query")],
)  # fmt: skip
def test_a_query_is_under_the_same_rules(moderating, query, status, field):
    reply = moderating.get(f"/classify?{query}", headers=BEARER)
    assert reply.status_code == status
    if field:
        assert field in {each["field"] for each in reply.json["errors"]}
    if status == 400:
        assert reply.json["type"] == "/problems/request-not-decodable"


def test_raw_bytes_in_a_query_are_not_guessed_at(moderating):
    reply = moderating.get("/classify", headers=BEARER, environ_overrides={"QUERY_STRING": "message=\xe9"})
    assert reply.status_code == 400


def test_a_body_that_is_no_json_is_not_decodable(moderating):
    for body in (b"{", b'{"message": "\xff"}', b"", b'{"message": NaN}'):
        reply = moderating.post("/classify", data=body, headers=BEARER, content_type="application/json")
        assert (reply.status_code, reply.json["type"]) == (400, "/problems/request-not-decodable")


def test_while_the_network_has_no_model_it_says_when_to_ask_again(client):
    reply = client.post("/classify", json={"message": MESSAGE}, headers=BEARER)
    assert (reply.status_code, reply.headers["Retry-After"], reply.json["type"]) == (503, "1", "/problems/no-model")
    assert client.get("/readyz").status_code == 200, "the primary alone decides"
    assert client.post("/classify", json={"message": MESSAGE}).status_code == 401


def test_the_first_model_answers_as_soon_as_it_is_published(client, watcher, registry, moderators):
    registry.publish(moderators["logistic"], "moderation/v1")
    watcher.look()
    reply = client.post("/classify", json={"message": MESSAGE}, headers=BEARER)
    assert reply.status_code == 200
    assert reply.headers.getlist("X-Palate-Model-Version") == [reply.json["model"]["version"]]


def test_a_model_with_other_labels_never_moderates(client, watcher, registry, bundles):
    registry.publish(bundles["first"], "moderation/v1")
    watcher.look()
    assert client.post("/classify", json={"message": MESSAGE}, headers=BEARER).status_code == 503
    states = {each["alias"]: each["workers"][0]["refused"] for each in client.get("/models").json["models"]}
    assert "labels are negative, positive, not toxic" in states["moderation/v1"]["reason"]


@pytest.mark.usefixtures("settings")
def test_a_service_without_networks_has_no_such_task(monkeypatch):
    monkeypatch.setenv("MODEL_SERVICE_NETWORKS", "{}")
    client = create_app(read_settings()).test_client()
    for reply in (
        client.post("/classify", json={"message": MESSAGE}, headers=BEARER),
        client.post("/api/v1/predict", json={"request_id": 1, "text": "x"}),
    ):
        assert (reply.status_code, reply.json["type"]) == (404, "/problems/no-such-task")


@pytest.mark.usefixtures("settings")
def test_a_moderation_that_is_no_network_stops_the_start(monkeypatch):
    monkeypatch.setenv("MODEL_SERVICE_MODERATION", "gpt")
    with pytest.raises(WrongSettings, match=r"MODERATION.*logistic, mlp"):
        create_app(read_settings())


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value encountered")
def test_an_answer_that_json_does_not_have_is_a_500_of_its_own_kind(client, watcher, registry, tmp_path):
    registry.publish(make_overflowing(tmp_path / "overflowing"), "moderation/v1")
    watcher.look()
    assert client.post("/classify", json={"message": "hello"}, headers=BEARER).status_code == 200
    for reply in (
        client.post("/classify", json={"message": OVERFLOWING}, headers=BEARER),
        client.post("/api/v1/predict", json={"request_id": 1, "text": OVERFLOWING, "network": "logistic"}),
    ):
        assert (reply.status_code, reply.json["type"]) == (500, "/problems/answer-not-encodable")
        assert "bacon" not in reply.text


def test_verdicts_are_counted_by_network_version_and_flag(moderating):
    for _ in range(3):
        flagged = moderating.post("/classify", json={"message": MESSAGE}, headers=BEARER).json["flagged"]
    labels = f'flagged="{str(flagged).lower()}",model_version="v1",network="logistic"'
    metrics = moderating.get("/metrics").text
    assert f"palate_moderations_total{{{labels}}} 3.0" in metrics
    assert 'palate_moderation_seconds_count{model_version="v1",network="logistic"} 3.0' in metrics
    assert "soup" not in metrics


def test_the_document_describes_both_ways(client):
    document = client.get("/openapi.json").json
    post, get = document["paths"]["/classify"]["post"], document["paths"]["/classify"]["get"]
    assert {"400", "401", "404", "413", "415", "422", "500", "503"} <= set(post["responses"])
    assert [each["name"] for each in get["parameters"]] == ["message"]
    assert get["parameters"][0]["required"] is True


class Raising:
    """A scorer that fails on every text, and says the text when it does."""

    def __init__(self, scorer) -> None:
        self.manifest, self.sha256, self.labels = scorer.manifest, scorer.sha256, scorer.labels

    def explain(self, text):
        raise RuntimeError(text)

    probabilities = explain


def test_a_model_that_fails_is_a_500_of_its_own_kind_without_the_text(moderating, watcher):
    client, network = moderating, watcher._models.networks["logistic"]
    network.swap(Model(Raising(network.model.scorer)), 1.0)
    for reply in (
        client.post("/classify", json={"message": "a secret"}, headers=BEARER),
        client.post("/api/v1/predict", json={"request_id": 1, "text": "a secret", "network": "logistic"}),
    ):
        assert (reply.status_code, reply.json["type"]) == (500, "/problems/classifier-failed")
        assert "secret" not in reply.text


def test_a_real_service_keeps_tokens_and_messages_out_of_its_log(start_service, moderated):  # noqa: ARG001
    with start_service() as service:
        service.wait_until(lambda: service.get("/readyz")[0] == 200)
        wrong = "eyJhbGciOiJub25lIn0.e30.AAAA"
        for token, expected in ((TOKEN, 200), (wrong, 401), (f"{TOKEN}x", 401)):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            assert service.ask("POST", "/classify", {"message": "unheard-of"}, headers)[0] == expected
            assert service.ask("GET", "/classify?message=unheard-of", headers=headers)[0] == expected
        assert {each["event"] for each in service.lines()} >= {"request", "model_swapped"}
        log = service.log.read_text()
    for secret in (TOKEN, wrong, OTHER, "unheard-of"):
        assert secret not in log


def test_a_token_of_a_megabyte_is_refused_and_the_service_goes_on(start_service, moderated):  # noqa: ARG001
    with start_service() as service:
        service.wait_until(lambda: service.get("/readyz")[0] == 200)
        for size in (8_000, 10_000, 1_000_000):
            headers = f"Host: x\r\nConnection: close\r\nAuthorization: Bearer {'x' * size}"
            status = service.send(f"GET /classify?message=x HTTP/1.1\r\n{headers}\r\n\r\n".encode())[9:12]
            assert status in {b"401", b"431", b""}, status
        assert service.get("/livez")[0] == 200


def test_tokens_are_rotated_while_a_real_service_runs(start_service, moderated, tmp_path):  # noqa: ARG001
    file = tmp_path / "tokens.yaml"
    with start_service() as service:
        service.wait_until(lambda: service.get("/readyz")[0] == 200)

        def ask(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return service.ask("GET", "/classify?message=x", headers=headers)[0]

        for line, expected in ((f"app: {OTHER}", (200, 200)), ("", (200, 401)), ("- broken", (200, 401))):
            draft = file.with_suffix(".draft")
            draft.write_text(f"app: {TOKEN}\n{line}\n")
            draft.replace(file)
            # A worker looks at the file when it is asked: so often that both have seen each of the files.
            assert {(ask(TOKEN), ask(OTHER)) for _ in range(15)} == {expected}


def test_a_broken_file_of_tokens_stops_the_start_naming_the_setting_and_no_token(environment, tmp_path):
    file = tmp_path / "tokens.yaml"
    file.write_text(f"app: {OTHER} {OTHER}\n")
    process = RealProcess("model-service", environment, tmp_path / "ended.log")
    try:
        assert process.process.wait(60) == 2
    finally:
        process.stop()
    output = process.log.read_text()
    assert "wrong_settings" in output
    assert "MODEL_SERVICE_AUTH__TOKENS_FILE" in output
    assert OTHER not in output
