"""Feedback joined to predictions: the figures at /metrics follow the last word."""

import math
import sqlite3
import time

import pytest
from model_service import create_app
from model_service.domain import PredictionIds

OTHER = {"negative": "positive", "positive": "negative"}


@pytest.fixture
def figures(app):
    """`look()` stands for one interval."""
    return app.extensions["model_service.live_figures"]


def live(client) -> dict[str, float]:
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("palate_live_")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def predict(client, text: str = "good soup") -> dict:
    return client.post("/predict", json={"text": text}).json


def tell(client, verdict: dict, label: str | None) -> int:
    return client.post("/feedback", json={"id": verdict["id"], "label": label}).status_code


def test_the_figures_follow_the_last_word(client, figures):
    verdicts = [predict(client) for _ in range(4)]
    said = verdicts[0]["label"]
    client.post("/predict", json={"texts": ["good soup"] * 4})
    steps = [
        (0, said, 1.0, 0.0),
        (1, OTHER[said], 0.5, 1 / 8),
        (1, said, 1.0, 0.0),
        (1, None, 1.0, 0.0),
        (0, None, math.nan, 0.0),
        (2, OTHER[said], 0.0, 1 / 8),
    ]
    for place, label, accuracy, corrected in steps:
        assert tell(client, verdicts[place], label) == 200
        figures.look()
        shown = live(client)
        assert shown['palate_live_accuracy_ratio{model_version="v1"}'] == pytest.approx(accuracy, nan_ok=True)
        assert shown['palate_live_corrected_ratio{model_version="v1"}'] == pytest.approx(corrected)
    assert shown[f'palate_live_predictions{{label="{said}",model_version="v1"}}'] == 8
    assert shown[f'palate_live_feedback{{actual="{OTHER[said]}",model_version="v1",predicted="{said}"}}'] == 1
    assert shown[f'palate_live_feedback{{actual="{said}",model_version="v1",predicted="{said}"}}'] == 0


def test_two_workers_add_up_and_a_restart_forgets_nothing(settings):
    apps = [create_app(settings) for _ in range(2)]
    for app in (*apps, *apps):
        predict(app.test_client())
        app.extensions["model_service.live_figures"].look()
    later = create_app(settings)
    later.extensions["model_service.live_figures"].look()
    assert sum(value for name, value in live(later.test_client()).items() if "predictions" in name) == 4


def test_what_left_the_window_leaves_the_figures(client, figures, tmp_path):
    verdict = predict(client)
    tell(client, verdict, verdict["label"])
    figures.look()
    with sqlite3.connect(tmp_path / "feedback.db") as store:
        store.execute("update feedback set predicted_at_s = predicted_at_s - 100000")
        store.execute("update predictions set hour = hour - 27")
    store.close()
    figures.look()
    shown = live(client)
    assert all(value == 0 or math.isnan(value) for value in shown.values()), shown
    assert math.isnan(shown['palate_live_accuracy_ratio{model_version="v1"}'])


def test_a_store_that_is_locked_costs_no_count_and_is_said_once(client, figures, tmp_path, capsys):
    predict(client)
    holder = sqlite3.connect(tmp_path / "feedback.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    figures.look()
    figures.look()
    holder.execute("ROLLBACK")
    holder.close()
    figures.look()
    assert sum(value for name, value in live(client).items() if "predictions" in name) == 1
    assert capsys.readouterr().out.count("live_figures_not_read") == 1


def test_a_store_made_before_there_were_figures_is_brought_up(settings, tmp_path):
    create_app(settings)
    with sqlite3.connect(tmp_path / "feedback.db") as store:
        store.execute("drop table predictions")
        store.execute("drop index feedback_predicted_at_s")
    store.close()
    app = create_app(settings)
    client = app.test_client()
    predict(client)
    app.extensions["model_service.live_figures"].look()
    assert live(client)


def test_feedback_after_its_time_is_gone_and_names_the_limit_and_the_age(client, settings):
    model = predict(client)["model"]
    ids = PredictionIds(settings.prediction_key())
    old = ids.issue(bytes.fromhex(model["sha256"])[:8], 1, time.time() - 25.5 * 3_600)
    reply = client.post("/feedback", json={"id": old, "label": None})
    assert (reply.status_code, reply.mimetype) == (410, "application/problem+json")
    assert "24 hours" in reply.json["detail"]
    assert "25.5 hours old" in reply.json["detail"]
    assert (reply.json["limit_hours"], reply.json["age_hours"]) == (24, 25.5)


def test_the_workers_of_a_real_service_tell_the_figures(service):
    verdict = service.post("/predict", {"text": "good soup"})[1]
    assert service.post("/feedback", {"id": verdict["id"], "label": OTHER[verdict["label"]]})[0] == 200

    def told() -> bool:
        metrics = service.ask("GET", "/metrics")[2].decode()
        return 'palate_live_accuracy_ratio{model_version="v1"} 0.0' in metrics

    service.wait_until(told)
