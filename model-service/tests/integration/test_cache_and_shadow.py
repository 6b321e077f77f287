"""The cache and the shadow in the service itself, and in its real workers."""

import time

import httpx
import pytest
from apiflask import APIFlask
from lib_web.workers import worker_of
from model_service import create_app
from model_service.factory import start_worker, stop_worker
from model_service.settings import read_settings

TEXT = "Great food, great prices, great mood, and the kindest waiter in town."
CACHE_ON = {"MODEL_SERVICE_CACHE__USE": "on"}


@pytest.fixture
def made_with(monkeypatch, settings):  # noqa: ARG001 - it fills the environment
    """`made_with(MODEL_SERVICE_CACHE__USE="on")`: the app with changed settings."""

    def make(**changes: str) -> APIFlask:
        for name, value in changes.items():
            monkeypatch.setenv(name, value)
        return create_app(read_settings())

    return make


def verdict(client, text=TEXT):
    reply = client.post("/predict", json={"text": text})
    assert reply.status_code == 200
    return reply.get_json()


def sample(client, name):
    """The values of the series that begin so, by what follows the name."""
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    return {line[len(name) : line.rindex(" ")]: float(line.split()[-1]) for line in lines if line.startswith(name)}


def test_a_text_that_comes_again_or_nearly_is_answered_from_the_cache(made_with):
    client = made_with(**CACHE_ON).test_client()
    first, again, near = verdict(client), verdict(client), verdict(client, TEXT + "..")
    assert "cached" not in first
    assert again["cached"] == {"distance": 0.0}
    assert 0 < near["cached"]["distance"] < 0.1
    assert len({each["id"] for each in (first, again, near)}) == 3
    assert again["labels"] == first["labels"] == near["labels"]
    counts = sample(client, "palate_cache_lookups_total")
    assert {labels.split('result="')[1].rstrip('"}'): value for labels, value in counts.items()} == {
        "miss": 1,
        "exact": 1,
        "near": 1,
    }
    assert [*sample(client, "palate_cache_entries{").values()] == [1]


def test_feedback_on_an_answer_from_the_cache_is_taken(made_with):
    client = made_with(**CACHE_ON).test_client()
    verdict(client)
    reply = client.post("/feedback", json={"id": verdict(client)["id"], "label": "positive"})
    assert reply.status_code == 200


def test_a_batch_uses_the_cache_too(made_with):
    client = made_with(**CACHE_ON).test_client()
    results = client.post("/predict", json={"texts": [TEXT, TEXT]}).get_json()["results"]
    assert ["cached" in result for result in results] == [False, True]


def test_by_default_the_cheap_model_is_not_cached_and_off_means_off(made_with):
    for use in ("auto", "off"):
        client = made_with(MODEL_SERVICE_CACHE__USE=use).test_client()
        assert "cached" not in [verdict(client) for _ in range(2)][1]


def test_a_new_model_answers_for_itself(made_with, registry, bundles):
    app = made_with(**CACHE_ON)
    client = app.test_client()
    before = [verdict(client) for _ in range(2)]
    registry.publish(bundles["second"], "sentiment/v1")
    app.extensions["model_service.watcher"].look()
    after = verdict(client)
    assert "cached" in before[1]
    assert "cached" not in after
    assert after["model"]["sha256"] != before[0]["model"]["sha256"]


def test_the_shadow_is_compared_and_the_answer_is_the_same_as_without_it(made_with, registry, bundles):
    plain = verdict(made_with().test_client())
    registry.publish(bundles["rich"], "sentiment/v2")
    app = made_with(MODEL_SERVICE_SHADOW="sentiment/v2")
    start_worker(app, worker_of(app))
    try:
        client = app.test_client()
        shadowed, *_ = [verdict(client) for _ in range(20)]
        deadline = time.monotonic() + 10
        while sum(sample(client, "palate_shadow_agreement_total").values()) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert sample(client, "palate_shadow_difference_count") != {}
    finally:
        stop_worker(app, worker_of(app))
    assert shadowed | {"id": ""} == plain | {"id": ""}


def test_real_workers_count_what_cache_and_shadow_do(start_service, registry, bundles):
    registry.publish(bundles["rich"], "sentiment/v2")
    changes = {"MODEL_SERVICE_SHADOW": "sentiment/v2", "MODEL_SERVICE_WORKERS": "2"} | CACHE_ON
    with start_service(**changes) as service, httpx.Client(base_url=service.url) as client:

        def counted(name) -> float:
            lines = client.get("/metrics").text.splitlines()
            return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

        replies = [client.post("/predict", json={"text": TEXT}) for _ in range(40)]
        service.wait_until(lambda: counted("palate_shadow_agreement_total") == 40)
        assert counted("palate_cache_lookups_total") == 40
        assert sum("cached" in reply.json() for reply in replies) >= 38
