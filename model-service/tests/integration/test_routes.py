"""The app with all its parts, on a test client."""

import math
import sqlite3

import pytest
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
from model_service import create_app
from model_service.http import readiness
from model_service.settings import WrongSettings, read_settings
from small_models import make_bundle

ALIAS = "sentiment/v1"
TEXT = "The soup was cold, but the waiter was lovely."


def predict(client, text: str = TEXT) -> dict:
    reply = client.post("/predict", json={"text": text})
    assert reply.status_code == 200, reply.json
    return reply.json


def test_a_verdict_has_every_part_and_they_agree(client, bundles):
    verdict = predict(client)
    bundle = load_bundle(bundles["first"])
    probabilities = dict(zip(("negative", "positive"), Scorer(bundle).probabilities(TEXT), strict=True))
    assert set(verdict) == {
        "id", "label", "probability", "labels", "explanation", "coverage", "model", "service_version",
    }  # fmt: skip
    assert verdict["labels"] == pytest.approx(probabilities, abs=1e-12)
    assert verdict["probability"] == max(verdict["labels"].values()) == verdict["labels"][verdict["label"]]
    log_odds = math.log(probabilities["positive"] / probabilities["negative"])
    assert math.fsum(term["weight"] for term in verdict["explanation"]) == pytest.approx(log_odds, abs=1e-9)
    assert verdict["explanation"][-1]["term"] == "(intercept)"
    assert 0 < verdict["coverage"] <= 1
    assert verdict["model"] == {"name": "sentiment", "version": "v1", "sha256": bundle.sha256}


def test_v2_s_features_answer_too(client, watcher, registry, bundles):
    registry.publish(bundles["rich"], ALIAS)
    watcher.look()
    assert predict(client)["label"] in {"negative", "positive"}


def test_a_text_of_the_longest_length_is_read_and_one_more_is_refused_naming_the_limit(client):
    assert predict(client, "é" * 2_000)["coverage"] == 0
    reply = client.post("/predict", json={"text": "é" * 2_001})
    assert reply.status_code == 422
    assert reply.json["errors"] == [{"field": "text", "detail": "String should have at most 2000 characters"}]


@pytest.mark.usefixtures("settings")
def test_the_limit_is_the_operator_s(monkeypatch):
    monkeypatch.setenv("MODEL_SERVICE_MAX_TEXT_CHARS", "5")
    client = create_app(read_settings()).test_client()
    assert client.post("/predict", json={"text": "12345"}).status_code == 200
    assert client.post("/predict", json={"text": "123456"}).status_code == 422


@pytest.mark.parametrize("path", ["/predict", "/feedback", "/livez", "/readyz", "/nowhere", "/docs", "/metrics"])
def test_every_reply_names_the_model_s_version_once(client, path):
    assert client.get(path).headers.getlist("X-Palate-Model-Version") == ["v1"]


def test_a_good_reply_names_it_once_too(client):
    reply = client.post("/predict", json={"text": TEXT})
    assert reply.headers.getlist("X-Palate-Model-Version") == ["v1"]


def test_version_tells_of_the_model_its_data_and_its_metrics(client, registry):
    version = client.get("/version").json
    assert version["component"] == "model-service"
    assert set(version) == {"component", "version", "commit", "built_at", "model"}
    assert version["model"]["sha256"] == registry.resolve(ALIAS)
    assert version["model"]["data"] == {"source": "sample", "name": "forty.tsv", "rows": 40, "sha256": "0" * 64}
    assert "metrics" in version["model"]


def test_feedback_is_stored_counted_and_the_last_word_counts(client, tmp_path):
    verdict = predict(client)
    other = {"negative": "positive", "positive": "negative"}[verdict["label"]]
    for label in (other, other, None, verdict["label"]):
        reply = client.post("/feedback", json={"id": verdict["id"], "label": label})
        assert (reply.status_code, reply.json) == (200, {"id": verdict["id"], "label": label})
    with sqlite3.connect(tmp_path / "feedback.db") as store:
        rows = store.execute("select prediction_id, label, predicted_label from feedback").fetchall()
    assert rows == [(verdict["id"], verdict["label"], verdict["label"])]
    store.close()
    metrics = client.get("/metrics").text
    for corrected in (other, "withdrawn", verdict["label"]):
        labels = f'corrected="{corrected}",model_version="v1",predicted="{verdict["label"]}"'
        assert f"palate_feedback_total{{{labels}}} 1.0" in metrics


def test_feedback_on_a_forged_id_is_not_found(client):
    prediction_id = predict(client)["id"]
    forged = ("B" if prediction_id[20] != "B" else "C").join((prediction_id[:20], prediction_id[21:]))
    for unknown in (forged, "", "x", prediction_id + "A"):
        reply = client.post("/feedback", json={"id": unknown, "label": "positive"})
        assert (reply.status_code, reply.mimetype) == (404, "application/problem+json")


def test_feedback_with_a_label_that_is_not_the_model_s_is_refused_naming_them(client):
    reply = client.post("/feedback", json={"id": predict(client)["id"], "label": "splendid"})
    assert reply.status_code == 422
    assert reply.json["errors"] == [
        {"field": "label", "detail": "Must be one of negative, positive, or null to withdraw."}
    ]


@pytest.mark.parametrize("body", [{}, {"id": "x"}, {"label": None}, {"id": 1, "label": None}, {"id": "x", "label": 1}])
def test_feedback_that_does_not_fit_names_the_field(client, body):
    reply = client.post("/feedback", json=body)
    assert reply.status_code == 422
    assert {error["field"] for error in reply.json["errors"]} <= {"id", "label"}


def test_a_store_that_does_not_take_feedback_is_a_503_and_predictions_go_on(client, tmp_path):
    verdict = predict(client)
    holder = sqlite3.connect(tmp_path / "feedback.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    reply = client.post("/feedback", json={"id": verdict["id"], "label": None})
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
    predict(client)
    holder.execute("ROLLBACK")
    holder.close()
    assert client.post("/feedback", json={"id": verdict["id"], "label": None}).status_code == 200


def test_ready_means_that_the_golden_texts_were_answered(client, registry):
    reply = client.get("/readyz")
    wanted = registry.resolve(ALIAS)
    assert reply.status_code == 200
    assert reply.json["readiness"] == {
        "alias": ALIAS,
        "wanted_sha256": wanted,
        "loaded_sha256": wanted,
        "model_version": "v1",
        "golden_texts": 10,
        "fault": None,
        "refused": None,
    }


def test_a_model_that_no_longer_answers_its_golden_texts_is_not_ready(client, watcher, monkeypatch):
    assert client.get("/readyz").status_code == 200
    scorer = watcher._models.primary.model.scorer
    first, *others = scorer.manifest.golden
    other = first.model_copy(update={"probabilities": (0.5, 0.5)})
    scorer.manifest = scorer.manifest.model_copy(update={"golden": (other, *others)})
    assert client.get("/readyz").status_code == 200, "a proof lasts some seconds"
    monkeypatch.setattr(readiness, "PROOF_LASTS_S", 0)
    reply = client.get("/readyz")
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
    assert "golden text" in reply.json["readiness"]["fault"]


def test_a_refused_model_leaves_it_ready_and_says_why(client, watcher, registry, bundles):
    wanted = registry.publish(bundles["second"], ALIAS)
    (registry.bundle_folder(wanted) / "arrays.npz").write_bytes(b"damaged")
    watcher.look()
    reply = client.get("/readyz")
    assert reply.status_code == 200
    assert reply.json["readiness"]["wanted_sha256"] == wanted != reply.json["readiness"]["loaded_sha256"]
    assert reply.json["readiness"]["refused"]["sha256"] == wanted
    assert "arrays.npz" in reply.json["readiness"]["refused"]["reason"]
    metrics = client.get("/metrics").text
    assert 'palate_model_refused_total{alias="sentiment/v1"} 1.0' in metrics
    assert 'palate_model_wanted_refused{alias="sentiment/v1"} 1.0' in metrics
    assert 'palate_model_wanted_loaded{alias="sentiment/v1"} 0.0' in metrics
    predict(client)


def test_going_back_after_a_refusal_is_seen_in_the_metrics(client, watcher, registry, bundles):
    first = registry.resolve(ALIAS)
    wanted = registry.publish(bundles["second"], ALIAS)
    (registry.bundle_folder(wanted) / "arrays.npz").write_bytes(b"damaged")
    watcher.look()
    registry.point(ALIAS, first)
    watcher.look()
    metrics = client.get("/metrics").text
    assert 'palate_model_wanted_refused{alias="sentiment/v1"} 0.0' in metrics
    assert 'palate_model_wanted_loaded{alias="sentiment/v1"} 1.0' in metrics


@pytest.fixture
def client_without_model(settings, registry):
    (registry.root / "aliases" / f"{ALIAS}.json").unlink()
    return create_app(settings).test_client()


def test_without_a_model_it_says_when_to_ask_again(client_without_model):
    for reply in (
        client_without_model.post("/predict", json={"text": TEXT}),
        client_without_model.post("/feedback", json={"id": "x", "label": None}),
        client_without_model.get("/readyz"),
    ):
        assert reply.mimetype == "application/problem+json"
        if reply.status_code != 404:
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
        assert "X-Palate-Model-Version" not in reply.headers
    assert client_without_model.get("/version").json["model"] is None
    readiness_detail = client_without_model.get("/readyz").json["readiness"]
    assert readiness_detail["fault"] == "no model is loaded"
    assert ALIAS in readiness_detail["refused"]["reason"]


def test_feedback_on_a_real_prediction_waits_for_a_model(client, client_without_model):
    """A replica that has just started, and has no model yet, must not say that the id is unknown."""
    reply = client_without_model.post("/feedback", json={"id": predict(client)["id"], "label": None})
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")


def test_predictions_are_counted_with_closed_labels(client):
    for _ in range(3):
        label = predict(client)["label"]
    metrics = client.get("/metrics").text
    assert f'palate_predictions_total{{label="{label}",model_version="v1"}} 3.0' in metrics
    assert 'palate_coverage_ratio_count{model_version="v1"} 3.0' in metrics
    for edge in ("0.001", "0.005", "0.1", "2.0"):
        assert f'palate_prediction_seconds_bucket{{le="{edge}",model_version="v1"}}' in metrics
    assert "soup" not in metrics


def test_a_swapped_model_is_the_only_one_in_the_metrics(client, watcher, registry, bundles, tmp_path):
    for bundle in (make_bundle(tmp_path / "v2", version="v2").folder, bundles["second"]):
        registry.publish(bundle, ALIAS)
        watcher.look()
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("palate_model_info{")]
    assert lines == [
        'palate_model_info{alias="sentiment/v1",name="sentiment",version="v1"} 1.0',
        'palate_model_info{alias="sentiment/v1",name="sentiment",version="v2"} 0.0',
    ]


def test_the_document_describes_both_routes_and_its_examples_are_true(client):
    document = client.get("/openapi.json").json
    for path in ("/predict", "/feedback"):
        operation = document["paths"][path]["post"]
        assert operation["requestBody"]["content"]["application/json"]["example"]
        assert operation["responses"]["200"]["content"]["application/json"]["example"]
        assert {"400", "413", "415", "422", "503"} <= set(operation["responses"])
    schemas = document["components"]["schemas"]
    assert schemas["PredictRequest"]["properties"]["text"]["maxLength"] == 2_000
    example = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    assert set(example) == set(predict(client)) == {*schemas["VerdictDocument"]["required"], "explanation"}
    assert schemas["PredictRequest"]["properties"]["explain"]["default"] is True


@pytest.mark.usefixtures("settings")
def test_a_store_that_can_not_be_made_stops_the_start_naming_the_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("MODEL_SERVICE_FEEDBACK_URL", f"sqlite:///{tmp_path}/nowhere/feedback.db")
    with pytest.raises(WrongSettings, match="MODEL_SERVICE_FEEDBACK_URL: the store can not be used"):
        create_app(read_settings())
