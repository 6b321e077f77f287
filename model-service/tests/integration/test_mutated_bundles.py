"""Five hundred wrong bundles, one after the other where the alias points, and what the clients notice: nothing."""

import json
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lib_ml.bundle import MANIFEST, sha256_of
from lib_ml.registry import FolderRegistry
from mutated_bundles import NUMBER, mutants

ALIAS = "sentiment/v1"
CLIENTS = 2


@contextmanager
def clients_asking(service):
    """Two clients, each with its next question as soon as it has an answer; yields all answers so far."""
    answers, done = [], threading.Event()

    def ask() -> None:
        while not done.wait(0.002):
            status, reply = service.post("/predict", {"text": "Lovely soup, and not bad at all"})
            answers.append((status, reply.get("model", {}).get("sha256")))

    asking = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in asking:
        client.start()
    try:
        yield answers
    finally:
        done.set()
        for client in asking:
            client.join()


def point(registry: FolderRegistry, sha256: str) -> None:
    """What nothing but the alias file's own bytes could say: `point` refuses what is not there."""
    file = registry.root / "aliases" / f"{ALIAS}.json"
    fresh = file.with_suffix(".fresh")
    fresh.write_text(json.dumps({"sha256": sha256}))
    fresh.replace(file)


def named(bundle: Path, number: int) -> str:
    """The bundle's name in the registry: its manifest's hash, where it has one that may be read."""
    manifest = bundle / MANIFEST
    readable = bundle.is_dir() and not bundle.is_symlink() and not manifest.is_symlink() and manifest.is_file()
    small = readable and manifest.stat().st_size < 64 << 20
    return sha256_of(manifest.read_bytes()) if small else sha256_of(str(number).encode())


@pytest.fixture
def place(registry, tmp_path):
    """Puts a mutant into the registry, where its alias points from then on; returns its name there."""
    workshop = tmp_path / "workshop"
    workshop.mkdir()

    def place(mutant) -> str:
        made = workshop / f"{mutant.number}"
        mutant.write(made)
        sha256 = named(made, mutant.number)
        made.rename(registry.bundle_folder(sha256))
        point(registry, sha256)
        return sha256

    return place


@pytest.mark.timeout(500)
def test_the_old_model_answers_every_request_while_five_hundred_wrong_ones_are_refused(
    registry, bundles, start_service, place
):
    good, reasons = registry.resolve(ALIAS), []
    with start_service(MODEL_SERVICE_POLL_INTERVAL_S="0.02") as service:
        service.wait_until_ready()

        def refused(sha256: str) -> dict[str, Any] | None:
            """The operator's view, once the service has looked where the alias points now."""
            status, answer = service.get("/readyz")
            detail = answer["readiness"]
            assert (status, detail["loaded_sha256"]) == (200, good)
            seen = detail["refused"]["sha256"] if detail["refused"] else good
            return detail if seen == sha256 == detail["wanted_sha256"] else None

        with clients_asking(service) as answers:
            for mutant in mutants(bundles["rich"]):
                wanted = place(mutant)
                detail = service.wait_until(lambda wanted=wanted: refused(wanted))
                reasons.append(detail["refused"]["reason"])
                point(registry, good)
                service.wait_until(lambda: refused(good))
                remove(registry.bundle_folder(wanted))
    assert len(reasons) == NUMBER
    assert all(reasons)
    assert set(answers) == {(200, good)}
    assert len(answers) > NUMBER


def remove(bundle: Path) -> None:
    if bundle.is_dir() and not bundle.is_symlink():
        shutil.rmtree(bundle)
    else:
        bundle.unlink()
