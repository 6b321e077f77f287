"""/api/reviews, with a real store and a real model-service."""

import re

import pytest

LABELS = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
GOOD = {"text": "Delicious food, but the wine was sour."}


def test_a_review_is_created_read_and_corrected(client):
    created = client.post("/api/reviews", json=GOOD)
    assert created.status_code == 201
    document = created.json
    assert re.fullmatch("[0-9a-f]{32}", document["id"])
    assert created.headers["Location"] == f"/api/reviews/{document['id']}"
    assert document["sentiment"] == "positive"
    assert 0.5 <= document["probability"] <= 1
    assert 0 < document["coverage"] <= 1
    assert {"term", "weight"} == document["explanation"][0].keys()
    assert document["correction"] is None
    assert document["versions"]["app"] == document["versions"]["model"] == "v1"
    assert re.fullmatch("[0-9a-f]{64}", document["versions"]["model_sha256"])
    assert "text" not in document
    assert list(document["moderation"]["labels"]) == LABELS
    assert document["moderation"]["flagged"] == any(
        each["flagged"] for each in document["moderation"]["labels"].values()
    )
    assert document["standing"] == ("held" if document["moderation"]["flagged"] else "public")

    read = client.get(created.headers["Location"])
    assert (read.status_code, read.json) == (200, {**document, **GOOD})

    corrected = client.post(f"{created.headers['Location']}/correction", json={"sentiment": "negative"})
    assert (corrected.status_code, corrected.json) == (200, {**document, "correction": "negative"})


@pytest.mark.parametrize("review_id", ["0" * 32, "nonsense", "%00", "0" * 5000])
def test_an_unknown_id_is_not_found(client, review_id):
    assert client.get(f"/api/reviews/{review_id}").status_code == 404
    reply = client.post(f"/api/reviews/{review_id}/correction", json={"sentiment": "positive"})
    assert (reply.status_code, reply.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "body", [{}, {"sentiment": None}, {"sentiment": "ok"}, {"sentiment": 1}, {"label": "positive"}]
)
def test_a_wrong_correction_names_the_field(client, body):
    location = client.post("/api/reviews", json=GOOD).headers["Location"]
    reply = client.post(f"{location}/correction", json=body)
    assert reply.status_code == 422
    assert {error["field"] for error in reply.json["errors"]} & {"sentiment", "label"}


def test_errors_of_the_api_are_problems_even_for_a_browser(client):
    reply = client.get("/api/reviews/nonsense", headers={"Accept": "text/html"})
    assert reply.mimetype == "application/problem+json"


def test_the_document_describes_the_api_and_leaves_the_pages_out(client):
    paths = client.get("/openapi.json").json["paths"]
    assert {"/api/reviews", "/api/reviews/{review_id}", "/api/reviews/{review_id}/correction"} <= paths.keys()
    assert "/reviews" not in paths
    assert "/people" not in paths


def test_the_operators_routes_say_what_runs(client):
    assert client.get("/livez").status_code == 200
    ready = client.get("/readyz").json
    assert ready["ready"]
    assert ready["readiness"]["feedback_pending"] == 0
    version = client.get("/version").json
    assert (version["component"], version["release"]) == ("app", "v1")
    assert {"version", "commit", "built_at"} <= version.keys()
