"""What is said of calls and of use, on a test client."""

import re

import pytest
from flask.testing import FlaskClient
from lib_web.operator_routes import OPERATOR_ROUTES
from model_service import create_app
from model_service.domain.statistics import APIS
from model_service.http.call_counting import API_OF_ROUTE, api_of
from model_service.settings import WrongSettings, read_settings

BEARER = {"Authorization": "Bearer hGx5w9-for-tests-only-0123456789abcdef"}
TOKENS = '{"kiosk": "hGx5w9-for-tests-only-0123456789abcdef"}'


@pytest.fixture
def environment(environment):
    return environment | {"MODEL_SERVICE_AUTH__TOKENS": TOKENS}


def test_the_answer_is_the_name_and_the_calls_of_this_minute_and_nothing_else(client):
    for _ in range(5):
        client.get("/models")
    answer = client.get("/api/v1/statistics?api=models").json
    assert answer in (
        {"api": "models", "number of calls in current minute": 5},
        {"api": "models", "number of calls in current minute": 0},  # a new minute has just begun
    )


@pytest.mark.parametrize("window", ["second", "minute", "hour"])
def test_the_window_is_in_the_member_s_name(client, window):
    assert list(client.get(f"/api/v1/statistics?api=health&window={window}").json) == [
        "api", f"number of calls in current {window}",
    ]  # fmt: skip


def test_history_is_the_last_windows_the_current_one_last(client):
    for _ in range(3):
        client.get("/models")
    answer = client.get("/api/v1/statistics?api=models&window=hour&history=24").json
    assert set(answer) == {"api", "number of calls in current hour", "history"}
    assert len(answer["history"]) == 24
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", each["start"]) for each in answer["history"])
    assert [each["start"] for each in answer["history"]] == sorted(each["start"] for each in answer["history"])
    assert answer["history"][-1]["calls"] == answer["number of calls in current hour"]
    assert sum(each["calls"] for each in answer["history"]) == 3


def test_without_a_name_all_apis_are_listed(client):
    client.get("/models")
    answer = client.get("/api/v1/statistics?window=hour").json
    assert [each["api"] for each in answer["apis"]] == list(APIS)
    assert {each["api"]: each["number of calls in current hour"] for each in answer["apis"]}["models"] <= 1


def test_refused_and_failed_calls_count_and_a_statistics_call_counts_once_it_is_answered(client):
    client.post("/predict", data=b"{")
    client.post("/predict", json={"text": "Good soup."})
    client.get("/api/v1/usage")
    client.get("/predict")
    of = {
        each["api"]: each["number of calls in current hour"]
        for each in client.get("/api/v1/statistics?window=hour").json["apis"]
    }
    assert (of["predict"], of["usage"], of["statistics"]) == (2, 1, 0), "a wrong method belongs to no route"
    assert client.get("/api/v1/statistics?window=hour&api=statistics").json["number of calls in current hour"] == 1


def test_an_unknown_api_is_not_found_and_the_names_are_listed(client):
    reply = client.get("/api/v1/statistics?api=nonsense")
    assert (reply.status_code, reply.mimetype) == (404, "application/problem+json")
    assert all(name in reply.json["detail"] for name in APIS)
    assert "nonsense" not in reply.text


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("window=day", "window", "'second', 'minute' or 'hour'"),
        ("window=", "window", "'second', 'minute' or 'hour'"),
        ("history=0", "history", "1 to 1440"),
        ("history=1441", "history", "1 to 1440"),
        ("window=second&history=1441", "history", "1 to 1440"),
        ("window=hour&history=1_0", "history", "1 to 1440"),
        ("history=-1", "history", "1 to 1440"),
        ("history=1e3", "history", "1 to 1440"),
        ("history=%D9%A3", "history", "1 to 1440"),
        ("history=" + "9" * 5_000, "history", "1 to 1440"),
    ],
)
def test_a_window_or_history_that_does_not_fit_names_the_choices(client, query, field, said):
    reply = client.get(f"/api/v1/statistics?api=health&{query}")
    assert reply.status_code == 422
    assert [error["field"] for error in reply.json["errors"]] == [field]
    assert said in reply.json["errors"][0]["detail"]


def test_every_route_is_counted_or_the_operator_s(app):
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    uncounted = {rule for rule in rules if api_of(rule) is None}
    assert uncounted <= OPERATOR_ROUTES
    assert set(API_OF_ROUTE.values()) | {"inference-metadata"} == set(APIS)


def test_usage_asks_for_a_token(client):
    reply = client.get("/api/v1/usage")
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_usage_is_the_caller_s_own_calls_and_characters_by_day(client):
    client.post("/predict", json={"text": "Good soup, é."}, headers=BEARER)
    client.post("/predict", json={"text": "Nobody's."})
    client.get("/models", headers=BEARER)
    answer = client.get("/api/v1/usage?days=3", headers=BEARER).json
    assert answer["name"] == "kiosk"
    assert len(answer["days"]) == 3
    assert sum(day["calls"] for day in answer["days"]) == 2
    assert len(client.get("/api/v1/usage", headers=BEARER).json["days"]) == 30
    metrics = client.get("/metrics").text
    assert 'palate_metered_calls_total{name="kiosk"} 4.0' in metrics


def test_days_that_do_not_fit_are_refused_naming_the_choices(client):
    for days in ("0", "401", "x"):
        reply = client.get(f"/api/v1/usage?days={days}", headers=BEARER)
        assert reply.status_code == 422
        assert reply.json["errors"] == [{"field": "days", "detail": "Must be a whole number from 1 to 400."}]


@pytest.fixture
def limited(settings, monkeypatch):  # noqa: ARG001 - the environment that it has set
    """A client of the service with these limits."""

    def client(**limits: str) -> FlaskClient:
        for name, value in limits.items():
            monkeypatch.setenv(f"MODEL_SERVICE_LIMITS__{name.upper()}", value)
        return create_app(read_settings()).test_client()

    return client


def test_beyond_the_limit_it_is_429_and_says_when_to_come_again(limited):
    client = limited(per_address="3/minute")
    for left in (2, 1, 0):
        reply = client.get("/models")
        assert reply.status_code == 200
        assert (reply.headers["RateLimit-Limit"], reply.headers["RateLimit-Remaining"]) == ("3", str(left))
        assert 58 <= int(reply.headers["RateLimit-Reset"]) <= 61
    reply = client.post("/predict", json={"text": "Good soup."})
    assert (reply.status_code, reply.json["type"]) == (429, "/problems/too-many-requests")
    assert reply.headers["Retry-After"] == reply.headers["RateLimit-Reset"]
    assert reply.headers["X-Palate-Model-Version"] == "v1"
    assert 'palate_throttled_total{by="address"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/version", "/docs", "/openapi.json"])
def test_the_operator_s_routes_have_no_limit(limited, path):
    client = limited(per_address="1/minute")
    replies = [client.get(path) for _ in range(3)]
    assert {reply.status_code for reply in replies} == {200}
    assert "RateLimit-Limit" not in replies[0].headers


def test_a_token_has_its_own_limit_whatever_its_address_used(limited):
    client = limited(per_address="1/minute", per_token="2/minute")
    assert [client.get("/models").status_code for _ in range(2)] == [200, 429]
    assert [client.get("/models", headers=BEARER).status_code for _ in range(3)] == [200, 200, 429]


def test_wrong_tokens_count_for_the_address_that_sends_them(limited):
    client = limited(per_address="3/minute", per_token="100/minute")
    guesses = [client.get("/models", headers={"Authorization": f"Bearer guess-{index}"}) for index in range(5)]
    assert [reply.status_code for reply in guesses] == [401, 401, 401, 429, 429]
    assert guesses[-1].json["type"] == "/problems/too-many-requests"
    assert "Retry-After" in guesses[-1].headers


def test_without_limits_nothing_is_said_of_them(client):
    assert not any(name.startswith("RateLimit") for name, _ in client.get("/models").headers)


@pytest.mark.parametrize("setting", ["PER_TOKEN", "PER_ADDRESS"])
@pytest.mark.usefixtures("settings")
def test_a_limit_that_is_none_stops_the_start_naming_the_setting(monkeypatch, setting):
    monkeypatch.setenv(f"MODEL_SERVICE_LIMITS__{setting}", "lots")
    with pytest.raises(WrongSettings, match=rf"(?i)limits(__|\.){setting}.*100/minute"):
        read_settings()


@pytest.mark.usefixtures("settings")
def test_a_state_folder_that_can_not_be_made_stops_the_start_naming_it(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MODEL_SERVICE_STATE_FOLDER", str(tmp_path / "file" / "state"))
    with pytest.raises(WrongSettings, match="STATE_FOLDER"):
        create_app(read_settings())
