"""GET /models: what is wanted and what answers, in every worker."""

import json
import os

import pytest
from lib_web.workers import Worker
from model_service.adapters import WorkerStates
from model_service.domain import Models

ALIASES = ["sentiment/v1", "moderation/v1", "moderation/mlp"]


def models_of(client) -> dict[str, dict]:
    return {each["alias"]: each for each in client.get("/models").json["models"]}


def test_every_alias_is_there_with_its_uses(client, registry):
    models = models_of(client)
    assert list(models) == ALIASES
    assert models["sentiment/v1"]["uses"] == ["predict"]
    assert models["moderation/v1"]["uses"] == ["classify", "network logistic"]
    wanted = registry.resolve("sentiment/v1")
    assert (models["sentiment/v1"]["wanted_sha256"], models["sentiment/v1"]["in_step"]) == (wanted, True)
    (worker,) = models["sentiment/v1"]["workers"]
    assert (worker["worker"], worker["pid"], worker["refused"]) == (0, os.getpid(), None)
    assert (worker["loaded"]["sha256"], worker["loaded"]["version"]) == (wanted, "v1")
    assert worker["loaded"]["since_s"] > 0


def test_a_network_that_was_never_published_wants_nothing_and_is_in_step(client):
    network = models_of(client)["moderation/mlp"]
    assert (network["wanted_sha256"], network["in_step"]) == (None, True)
    assert network["workers"][0]["loaded"] is None


def test_a_refused_model_is_wanted_and_not_loaded_and_says_why(client, watcher, registry, bundles):
    old = registry.resolve("sentiment/v1")
    wanted = registry.publish(bundles["second"], "sentiment/v1")
    (registry.bundle_folder(wanted) / "arrays.npz").write_bytes(b"damaged")
    watcher.look()
    model = models_of(client)["sentiment/v1"]
    assert (model["wanted_sha256"], model["in_step"]) == (wanted, False)
    assert model["workers"][0]["loaded"]["sha256"] == old
    assert "arrays.npz" in model["workers"][0]["refused"]["reason"]


@pytest.fixture
def states(tmp_path):
    """Of two workers in one folder."""
    models = Models("sentiment/v1")
    return [WorkerStates(Worker(number, tmp_path), models) for number in (0, 1)]


def test_any_worker_tells_of_all(states):
    for each in states:
        each.write()
    assert [state["worker"] for state in states[0].all()] == [state["worker"] for state in states[1].all()] == [0, 1]


def test_half_a_file_and_drafts_are_passed_over(states, tmp_path):
    states[1].write()
    (tmp_path / "models-2.json").write_text(json.dumps({"worker": 2})[:-3])
    (tmp_path / "models-3.draft").write_text("{")
    assert [state["worker"] for state in states[0].all()] == [0, 1]


def test_nothing_is_written_while_nothing_changes(states, tmp_path):
    states[0].write()
    before = (tmp_path / "models-0.json").stat().st_ino
    states[0].write()
    assert (tmp_path / "models-0.json").stat().st_ino == before


@pytest.mark.parametrize("kind", ["classifier-failed", "request-not-decodable", "answer-not-encodable", "no-such-task",
                                  "no-model", "unauthorized", "too-many-requests", "wrong-settings"])  # fmt: skip
def test_every_kind_of_problem_has_a_page_at_its_uri(client, kind):
    reply = client.get(f"/problems/{kind}")
    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    assert kind.split("-")[0] in reply.text.lower()


def test_a_kind_that_there_is_not_is_not_found(client):
    assert client.get("/problems/nonsense").status_code == 404
