"""Acknowledged means stored: through kill -9, a locked store, a full disk, a model-service that is away."""

import resource
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from real_process import running

TEXT = {"text": "Delicious food and friendly staff"}
SOON_S = 60


def rows(database: str | Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(str(database).removeprefix("sqlite:///"), timeout=5)) as connection:
        return connection.execute(query).fetchall()


def wait_for(condition, what: str) -> None:
    until = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.1)


@pytest.fixture
def own_folder(tmp_path, platform_folder):
    """A folder with the registry and key of the platform, and stores of its own."""
    for name in ("registry", "prediction.key", "tokens"):
        (tmp_path / name).symlink_to(platform_folder / name)
    return tmp_path


@pytest.fixture
def own_model_service(own_folder, environments):
    with running("model-service", environments["model-service"](own_folder, "v1"), own_folder / "model.log") as program:
        yield program


@pytest.fixture
def own_app(own_folder, own_model_service, store_url, environments):
    with running(
        "review-app", environments["app"](store_url, "v1", own_model_service.url), own_folder / "app.log"
    ) as program:
        yield program


def test_nothing_acknowledged_is_lost_when_the_app_is_killed_while_eight_clients_post(own_app, store_url):
    acknowledged, stop = [], threading.Event()

    def post() -> None:
        while not stop.is_set():
            try:
                reply = httpx.post(f"{own_app.url}/api/reviews", json=TEXT, timeout=5)
                corrected = httpx.post(
                    f"{own_app.url}{reply.headers['Location']}/correction", json={"sentiment": "negative"}, timeout=5
                )
            except (httpx.TransportError, KeyError):
                time.sleep(0.05)
                continue
            if corrected.status_code == 200:
                acknowledged.append(reply.json()["id"])

    clients = [threading.Thread(target=post) for _ in range(8)]
    for client in clients:
        client.start()
    for _ in range(3):
        time.sleep(1)
        own_app.kill()
        own_app.restart()
    time.sleep(1)
    stop.set()
    for client in clients:
        client.join()

    stored = dict(rows(store_url, "SELECT id, correction FROM reviews"))
    assert len(acknowledged) > 10
    assert all(stored.get(review_id) == "negative" for review_id in acknowledged)


def test_corrections_reach_the_model_service_after_both_were_away(own_app, own_model_service, store_url, own_folder):
    locations = [httpx.post(f"{own_app.url}/api/reviews", json=TEXT).headers["Location"] for _ in range(12)]
    own_model_service.kill()
    for location in locations:
        reply = httpx.post(f"{own_app.url}{location}/correction", json={"sentiment": "negative"})
        assert reply.status_code == 200, "a correction needs no model-service"
    undone = httpx.post(f"{own_app.url}{locations[0].removeprefix('/api')}/correction/undo")
    assert undone.status_code == 303
    own_app.kill()
    own_app.restart()
    own_model_service.restart()

    wait_for(lambda: not rows(store_url, "SELECT 1 FROM feedback_outbox"), "the outbox was not emptied")
    labels = rows(own_folder / "feedback-v1.db", "SELECT label FROM feedback")
    assert sorted(labels, key=str) == [("negative",)] * 11 + [(None,)], "of the undone one, the last word counts"


def test_a_correction_that_the_model_service_refuses_is_kept_and_tried_rarely(own_app, store_url):
    location = httpx.post(f"{own_app.url}/api/reviews", json=TEXT).headers["Location"]
    with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"), timeout=5)) as connection, connection:
        connection.execute("UPDATE reviews SET prediction_id = 'forged'")
    httpx.post(f"{own_app.url}{location}/correction", json={"sentiment": "negative"})
    wait_for(lambda: rows(store_url, "SELECT 1 FROM feedback_outbox WHERE attempts = 1"), "it was not tried")
    figures = httpx.get(f"{own_app.url}/metrics").text
    assert 'palate_feedback_deliveries_total{outcome="refused"} 1.0' in figures
    time.sleep(1.5)
    assert rows(store_url, "SELECT attempts FROM feedback_outbox") == [(1,)]


def test_a_correction_too_late_for_the_model_service_stays_in_our_store_alone(own_folder, store_url, environments):
    soon_over = environments["model-service"](own_folder, "v1") | {"MODEL_SERVICE_FEEDBACK_HOURS": "0.0001"}
    with (
        running("model-service", soon_over, own_folder / "model.log") as service,
        running("review-app", environments["app"](store_url, "v1", service.url), own_folder / "app.log") as app,
    ):
        location = httpx.post(f"{app.url}/api/reviews", json=TEXT).headers["Location"]
        time.sleep(0.5)
        httpx.post(f"{app.url}{location}/correction", json={"sentiment": "negative"})
        wait_for(lambda: not rows(store_url, "SELECT 1 FROM feedback_outbox"), "it is tried for ever")
        figures = httpx.get(f"{app.url}/metrics").text
    assert 'palate_feedback_deliveries_total{outcome="too_late"} 1.0' in figures
    assert rows(store_url, "SELECT correction FROM reviews") == [("negative",)]


def test_a_locked_store_is_a_clear_503_and_reading_goes_on(client, store_url):
    location = client.post("/api/reviews", json=TEXT).headers["Location"]
    with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for reply in (
            client.post("/api/reviews", json=TEXT),
            client.post(f"{location}/correction", json={"sentiment": "negative"}),
            client.post("/people/mei-okafor/clicks"),
        ):
            assert (reply.status_code, reply.mimetype) == (503, "application/problem+json")
            assert reply.headers["Retry-After"]
        page = client.post("/reviews", data=TEXT, headers={"Accept": "text/html"}).get_data(as_text=True)
        assert f"{TEXT['text']}</textarea>" in page
        assert client.get(location).status_code == 200
        assert client.get("/people").status_code == 200
        other.execute("ROLLBACK")
    assert client.post("/api/reviews", json=TEXT).status_code == 201


def test_a_store_that_is_gone_leaves_the_pages_and_says_not_ready(make_app, model_services, tmp_path):
    client = make_app(model_services["v1"].url).test_client()
    for file in tmp_path.glob("palate.db*"):
        file.unlink()
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/").status_code == 200
    assert client.get("/about").status_code == 200
    assert client.get(f"/api/reviews/{'0' * 32}").status_code == 503


def test_a_full_disk_is_a_clear_503_and_what_was_stored_stays(own_folder, model_services, store_url, environments):
    def small_disk() -> None:  # stands for a full disk: no file of this process may grow beyond 150 kB
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    text = {"text": "Delicious " * 190}
    with running(
        "review-app",
        environments["app"](store_url, "v1", model_services["v1"].url),
        own_folder / "app.log",
        preexec_fn=small_disk,
    ) as app:
        replies = [httpx.post(f"{app.url}/api/reviews", json=text) for _ in range(70)]
        assert {reply.status_code for reply in replies} == {201, 503}
        assert replies[-1].headers["content-type"] == "application/problem+json"
        assert httpx.get(f"{app.url}/").status_code == 200
    acknowledged = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    assert acknowledged == {row[0] for row in rows(store_url, "SELECT id FROM reviews")}


def test_the_app_refuses_to_start_on_an_old_store_and_the_migration_mends_it(tmp_path, environments):
    environment = environments["app"](f"sqlite:///{tmp_path}/new.db", "v1", "http://127.0.0.1:9")
    with (
        pytest.raises(RuntimeError, match=r"ended with 1(?s:.*)review-app-migrate"),
        running("review-app", environment, tmp_path / "app.log"),
    ):
        pass
    with (
        pytest.raises(RuntimeError, match=r"ended with 0(?s:.*)store_migrated"),
        running("review-app-migrate", environment, tmp_path / "migrate.log"),
    ):
        pass
    with running("review-app", environment, tmp_path / "app.log") as app:
        assert httpx.get(f"{app.url}/about").status_code == 200


@pytest.mark.parametrize("program", ["review-app", "review-app-migrate"])
def test_a_missing_setting_is_named(tmp_path, program):
    with (
        pytest.raises(RuntimeError, match=r"ended with 1(?s:.*)APP_STORE_URL: Field required"),
        running(program, {"APP_PORT": "{port}"}, tmp_path / "log"),
    ):
        pass


def test_a_folder_that_is_not_there_is_named_by_the_migration(tmp_path):
    with (
        pytest.raises(RuntimeError, match=r"ended with 1(?s:.*)unable to open"),
        running("review-app-migrate", {"APP_STORE_URL": f"sqlite:///{tmp_path}/no/a.db"}, tmp_path / "log"),
    ):
        pass
