import os
import shutil
from pathlib import Path

import pytest
from lib_ml.bundle import load_bundle
from lib_ml.registry import FolderRegistry, RegistryError


@pytest.fixture
def registry(tmp_path) -> FolderRegistry:
    return FolderRegistry(tmp_path / "registry")


def test_a_published_bundle_is_what_its_alias_names(registry, trained):
    sha256 = registry.publish(trained("v1").folder, "sentiment/v1")
    assert registry.resolve("sentiment/v1") == sha256
    assert load_bundle(registry.bundle_folder(sha256)).sha256 == sha256


def test_going_back_is_pointing_the_alias_at_the_earlier_bundle(registry, trained):
    first = registry.publish(trained("v1").folder, "sentiment/v1")
    registry.publish(trained("v2").folder, "sentiment/v1")
    registry.point("sentiment/v1", first)
    assert registry.resolve("sentiment/v1") == first


def test_publishing_again_mends_a_damaged_copy(registry, trained):
    stored = registry.bundle_folder(registry.publish(trained("v1").folder, "sentiment/v1"))
    (stored / "arrays.npz").write_bytes(b"damaged")
    registry.publish(trained("v1").folder, "sentiment/v1")
    assert load_bundle(stored).sha256 == stored.name


def test_nothing_half_copied_stays_behind(registry, trained, tmp_path):
    incomplete = shutil.copytree(trained("v1").folder, tmp_path / "incomplete")
    (incomplete / "arrays.npz").unlink()
    (incomplete / "arrays.npz").mkdir()
    registry.publish(trained("v1").folder, "sentiment/v1")
    registry.publish(trained("v1").folder, "sentiment/v1")
    assert {path.name for path in registry.root.rglob(".*")} == set()


@pytest.mark.parametrize(
    "alias",
    [
        "../v1",
        "sentiment",
        "sentiment/../../etc",
        "/sentiment/v1",
        "a/b\0",
        "a/b\n",
        "A/b",
        "a/..",
        "%2e%2e/v1",
        "a/%2e%2e",
        "a\\b",
        "",
        "a/" + 300 * "b",
        "a/ü",
    ],
)
def test_an_alias_can_not_leave_the_registry(registry, alias):
    with pytest.raises(RegistryError, match="is no alias"):
        registry.resolve(alias)


@pytest.mark.parametrize("content", ["", "{", "[" * 9_000, "[]", '{"sha256": 1}', '{"sha256": "../../etc"}'])
def test_a_damaged_alias_is_named(registry, content):
    path = registry.root / "aliases/sentiment/v1.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(RegistryError, match="sentiment/v1"):
        registry.resolve("sentiment/v1")


def test_an_unknown_alias_says_what_to_do(registry):
    with pytest.raises(RegistryError, match="publish a model under it"):
        registry.resolve("sentiment/v1")


def test_an_alias_can_not_want_what_is_not_there(registry):
    with pytest.raises(RegistryError, match="not in the registry"):
        registry.point("sentiment/v1", "0" * 64)
    with pytest.raises(RegistryError, match="64 hexadecimal"):
        registry.bundle_folder(str(Path("..")))


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda file: file.symlink_to("/dev/zero")])
def test_an_alias_that_is_no_plain_file_is_named_at_once(registry, make):
    path = registry.root / "aliases/sentiment/v1.json"
    path.parent.mkdir(parents=True)
    make(path)
    with pytest.raises(RegistryError, match="can't be read"):
        registry.resolve("sentiment/v1")
