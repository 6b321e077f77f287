"""The service as an operator runs it: kill -9, models that move under load, wrong settings."""

import os
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from real_process import RealProcess

ALIAS = "sentiment/v1"
TEXT = {"text": "The soup was cold, but the waiter was lovely."}


def keep_posting(service, seconds: float, threads: int = 8) -> list[tuple[int, dict]]:
    """What 8 clients are told meanwhile; 0 for a connection that broke."""
    answers: list[tuple[int, dict]] = []
    end = time.monotonic() + seconds

    def post() -> None:
        while time.monotonic() < end:
            try:
                answers.append(service.post("/predict", TEXT))
            except OSError:
                answers.append((0, {}))

    clients = [threading.Thread(target=post) for _ in range(threads)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return answers


def test_models_that_move_under_load_lose_no_request(service, registry, bundles):
    wanted = [registry.resolve(ALIAS)]

    def move() -> None:
        for name in ("second", "first", "rich", "second"):
            time.sleep(0.4)
            wanted.append(registry.publish(bundles[name], ALIAS))

    mover = threading.Thread(target=move)
    mover.start()
    answers = keep_posting(service, 2.5)
    mover.join()
    assert {status for status, _ in answers} == {200}
    assert {verdict["model"]["sha256"] for _, verdict in answers} == set(wanted)
    service.wait_until(lambda: service.get("/readyz")[1]["readiness"]["loaded_sha256"] == wanted[-1])


def test_a_damaged_model_is_refused_while_the_old_one_answers(service, registry, bundles):
    old = registry.resolve(ALIAS)
    wanted = registry.publish(bundles["second"], "sentiment/waiting")
    file = registry.bundle_folder(wanted) / "arrays.npz"
    file.write_bytes(file.read_bytes()[:-1])
    registry.point(ALIAS, wanted)
    service.wait_until(lambda: service.get("/readyz")[1]["readiness"]["refused"])
    status, verdict = service.post("/predict", TEXT)
    assert (status, verdict["model"]["sha256"]) == (200, old)
    file.write_bytes((bundles["second"] / "arrays.npz").read_bytes())
    service.wait_until(lambda: service.post("/predict", TEXT)[1]["model"]["sha256"] == wanted)


def test_it_waits_for_the_first_model_without_a_restart(start_service, registry, bundles):
    with start_service(MODEL_SERVICE_ALIAS="sentiment/v9") as service:
        status, headers, _ = service.ask("POST", "/predict", TEXT)
        assert (status, headers["Retry-After"]) == (503, "1")
        assert service.get("/readyz")[0] == 503
        registry.publish(bundles["first"], "sentiment/v9")
        service.wait_until(lambda: service.get("/readyz")[0] == 200)
        assert service.post("/predict", TEXT)[0] == 200


def test_a_killed_worker_is_back_at_once_with_the_model_that_is_wanted_now(service, registry, bundles):
    killed = service.worker()
    wanted = registry.publish(bundles["second"], ALIAS)
    service.wait_until(lambda: service.post("/predict", TEXT)[1]["model"]["sha256"] == wanted)
    os.kill(killed, signal.SIGKILL)
    started = time.monotonic()
    service.wait_until(lambda: len(service.workers()) == 2 and killed not in service.workers())
    answers = [service.wait_until(lambda: service.post("/predict", TEXT)[1]) for _ in range(20)]
    assert time.monotonic() - started < 3
    shas = {answer["model"]["sha256"] for answer in answers}
    assert shas == {wanted}, "the master still has the first model in memory"


def test_feedback_that_was_acknowledged_survives_kill_9(service, tmp_path):
    ids = [service.post("/predict", TEXT)[1]["id"] for _ in range(40)]
    acknowledged: list[str] = []

    def send() -> None:
        while ids:
            prediction_id = ids.pop()
            try:
                if service.post("/feedback", {"id": prediction_id, "label": "negative"})[0] == 200:
                    acknowledged.append(prediction_id)
            except OSError:
                ids.append(prediction_id)
                time.sleep(0.05)

    senders = [threading.Thread(target=send) for _ in range(8)]
    for sender in senders:
        sender.start()
    for _ in range(3):
        os.kill(service.wait_until(service.worker), signal.SIGKILL)
        time.sleep(0.15)
    for sender in senders:
        sender.join()
    store = sqlite3.connect(tmp_path / "feedback.db")
    stored = {row[0] for row in store.execute("select prediction_id from feedback where label = 'negative'")}
    store.close()
    assert len(acknowledged) == 40
    assert set(acknowledged) <= stored


def test_ids_of_one_replica_are_believed_by_another(service, start_service):
    with start_service() as other:
        prediction_id = service.post("/predict", TEXT)[1]["id"]
        assert other.post("/feedback", {"id": prediction_id, "label": None})[0] == 200


def test_sigterm_ends_it_cleanly(service):
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(20) == 0


@pytest.fixture
def run_with(tmp_path):
    """Runs the service to its end, with these settings: (exit code, all that it wrote)."""

    def run(environment: dict[str, str]) -> tuple[int, str]:
        process = RealProcess("model-service", environment, tmp_path / "ended.log")
        try:
            return process.process.wait(60), process.log.read_text()
        finally:
            process.stop()

    return run


def test_wrong_settings_end_it_with_their_names(environment, run_with):
    del environment["MODEL_SERVICE_REGISTRY"]
    code, output = run_with(environment | {"MODEL_SERVICE_THREADS": "none"})
    assert code == 2
    assert "MODEL_SERVICE_REGISTRY: " in output
    assert "MODEL_SERVICE_THREADS: " in output
    assert "Traceback" not in output


def test_a_key_that_is_too_short_ends_it_with_the_remedy(environment, run_with):
    Path(environment["MODEL_SERVICE_PREDICTION_KEY_FILE"]).write_bytes(b"short")
    code, output = run_with(environment)
    assert code == 2
    assert "MODEL_SERVICE_PREDICTION_KEY_FILE" in output
    assert "Traceback" not in output
