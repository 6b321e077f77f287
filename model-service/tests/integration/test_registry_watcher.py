"""A real registry on disk; `look` stands for one interval."""

import json
import shutil
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from lib_ml.registry import FolderRegistry
from model_service.adapters import RegistryWatcher
from model_service.domain import Models
from small_models import make_bundle

ALIAS = "sentiment/v1"


class Events(list):
    """An Observer that remembers what happened to models."""

    def predicted(self, verdict, seconds): ...

    def corrected(self, feedback): ...

    def model_swapped(self, active):
        self.append(("swapped", active.model.sha256))

    def model_refused(self, active):
        self.append(("refused", active.refusal.reason))

    def models_looked_at(self, models): ...


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def models():
    return Models(ALIAS)


@pytest.fixture
def active(models):
    return models.primary


@pytest.fixture
def watcher(registry, models, events):
    return RegistryWatcher(registry, models, events, interval_s=0.05)


@pytest.fixture
def second(bundles):
    return bundles["second"]


def damage(registry: FolderRegistry, sha256: str, name: str) -> None:
    file = registry.bundle_folder(sha256) / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_the_model_that_the_alias_names_answers(watcher, active, registry):
    watcher.look()
    assert active.model.sha256 == active.wanted == registry.resolve(ALIAS)
    assert active.refusal is None


def test_a_moved_alias_swaps_the_model_once(watcher, active, registry, bundles, events):
    watcher.look()
    old = active.model
    wanted = registry.publish(bundles["second"], ALIAS)
    for _ in range(3):
        watcher.look()
    assert active.model is not old
    assert [event for event, _ in events] == ["swapped", "swapped"]
    assert events[-1] == ("swapped", wanted)


@pytest.mark.parametrize("name", ["manifest.json", "vocabulary.txt", "arrays.npz"])
def test_a_damaged_model_is_refused_once_with_the_reason_while_the_old_one_answers(
    watcher, active, registry, second, name
):
    watcher.look()
    old = active.model
    wanted = registry.publish(second, ALIAS)
    damage(registry, wanted, name)
    for _ in range(5):
        watcher.look()
    assert active.model is old
    assert (active.wanted, active.refusal.sha256) == (wanted, wanted)
    assert name in active.refusal.reason
    assert [event for event, _ in watcher._observer] == ["swapped", "refused"]


def test_a_mended_model_is_loaded(watcher, active, registry, bundles):
    wanted = registry.publish(bundles["second"], ALIAS)
    damage(registry, wanted, "arrays.npz")
    watcher.look()
    assert active.model is None
    shutil.copy(bundles["second"] / "arrays.npz", registry.bundle_folder(wanted) / "arrays.npz")
    watcher.look()
    assert active.model.sha256 == wanted
    assert active.refusal is None


def test_pointing_the_alias_back_ends_the_refusal(watcher, active, registry, bundles):
    watcher.look()
    old = active.model
    damage(registry, registry.publish(bundles["second"], ALIAS), "arrays.npz")
    watcher.look()
    assert active.refusal is not None
    registry.point(ALIAS, old.sha256)
    watcher.look()
    assert (active.model, active.refusal, active.wanted) == (old, None, old.sha256)


def test_a_bundle_of_another_name_is_refused(watcher, active, registry, bundles):
    """Its parts fit each other, but it is not what the alias asked for."""
    wanted = registry.publish(bundles["second"], ALIAS)
    shutil.copytree(bundles["first"], registry.bundle_folder(wanted), dirs_exist_ok=True)
    watcher.look()
    assert active.model is None
    assert "not the one the alias names" in active.refusal.reason


def test_a_model_that_answers_its_golden_texts_otherwise_is_refused(watcher, active, registry, bundles, tmp_path):
    liar = shutil.copytree(bundles["second"], tmp_path / "liar")
    manifest = json.loads((liar / "manifest.json").read_text())
    manifest["golden"][1]["probabilities"] = [0.5, 0.5]
    (liar / "manifest.json").write_text(json.dumps(manifest))
    registry.publish(liar, ALIAS)
    watcher.look()
    assert active.model is None
    assert "golden text 1 is off" in active.refusal.reason


def test_a_bundle_that_is_gone_is_refused_and_loaded_when_it_is_back(watcher, active, registry, bundles):
    folder = registry.bundle_folder(registry.resolve(ALIAS))
    shutil.rmtree(folder)
    watcher.look()
    assert "missing" in active.refusal.reason
    shutil.copytree(bundles["first"], folder)
    watcher.look()
    assert active.model is not None


def test_an_alias_that_is_gone_or_garbage_keeps_the_old_model(watcher, active, registry, events):
    watcher.look()
    file = registry.root / "aliases" / f"{ALIAS}.json"
    kept = file.read_bytes()
    for garbage in (b"", b"{}", b'{"sha256": "../../etc"}', b"\xff"):
        file.write_bytes(garbage)
        watcher.look()
        watcher.look()
        assert active.model is not None
        assert active.refusal.sha256 is None
        assert ALIAS in active.refusal.reason
    file.unlink()
    watcher.look()
    assert "publish a model" in active.refusal.reason
    file.write_bytes(kept)
    watcher.look()
    assert active.refusal is None
    assert sum(event == "refused" for event, _ in events) < 6


def test_a_fault_that_nobody_foresaw_is_a_refusal_too(watcher, active, registry, bundles, monkeypatch):
    watcher.look()
    old = active.model
    registry.publish(bundles["second"], ALIAS)

    def run_out_of_memory(*_arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("model_service.adapters.registry_watcher.load_bundle", run_out_of_memory)
    watcher.look()
    assert active.model is old
    assert active.refusal.reason == "loading it failed: MemoryError"


def test_with_a_public_key_only_signed_models_answer(registry, models, active, events, tmp_path):
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    watcher = RegistryWatcher(registry, models, events, interval_s=1, public_key=public)
    watcher.look()
    assert active.model is None
    assert "signature" in active.refusal.reason
    registry.publish(make_bundle(tmp_path / "signed", signing_key=private).folder, ALIAS)
    watcher.look()
    assert active.model is not None


def test_the_watching_thread_follows_the_alias(watcher, active, registry, bundles):
    watcher.start()
    try:
        wanted = registry.publish(bundles["second"], ALIAS)
        for _ in range(200):
            if active.model.sha256 == wanted:
                break
            time.sleep(0.05)
        assert active.model.sha256 == wanted
    finally:
        watcher.stop()


@pytest.fixture
def all_models():
    networks = {"logistic": "moderation/v1", "mlp": "moderation/mlp"}
    return Models(ALIAS, networks, moderation="logistic", shadow="sentiment/v2")


@pytest.fixture
def watching(registry, all_models, events):
    return RegistryWatcher(registry, all_models, events, interval_s=0.05)


def test_one_look_brings_every_model_that_is_published(watching, all_models, registry, moderators):
    registry.publish(moderators["logistic"], "moderation/v1")
    watching.look()
    loaded = {active.alias: active.model is not None for active in all_models.all}
    assert loaded == {ALIAS: True, "moderation/v1": True, "moderation/mlp": False, "sentiment/v2": False}


def test_a_model_that_was_never_published_is_no_fault(watching, all_models, events):
    watching.look()
    assert [active.refusal for active in all_models.all] == [None] * 4
    assert [event for event, _ in events] == ["swapped"]


def test_an_alias_that_was_there_and_is_gone_is_a_fault_and_the_model_answers_on(
    watching, all_models, registry, moderators
):
    registry.publish(moderators["mlp"], "moderation/mlp")
    watching.look()
    (registry.root / "aliases" / "moderation" / "mlp.json").unlink()
    watching.look()
    network = all_models.networks["mlp"]
    assert network.model is not None
    assert "publish a model" in network.refusal.reason


def test_aliases_that_name_one_bundle_share_it_in_memory(watching, all_models, registry):
    registry.point("sentiment/v2", registry.resolve(ALIAS))
    watching.look()
    assert all_models.shadow.model is all_models.primary.model


def test_a_refused_network_leaves_the_others_alone(watching, all_models, registry, bundles, moderators):
    registry.publish(bundles["first"], "moderation/v1")
    registry.publish(moderators["mlp"], "moderation/mlp")
    watching.look()
    assert "labels are negative, positive" in all_models.networks["logistic"].refusal.reason
    assert all_models.networks["mlp"].model is not None
    assert all_models.primary.refusal is None
