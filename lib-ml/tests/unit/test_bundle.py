import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from lib_ml.bundle import ARRAYS, MANIFEST, VOCABULARY, BundleRefused, load_bundle, sha256_of
from lib_ml.scorer import Scorer
from small_models import make_bundle


@pytest.fixture
def folder(trained, tmp_path) -> Path:
    return shutil.copytree(trained("v2").folder, tmp_path / "bundle")


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Replaces a file and names its new sha256 in the manifest, as an attacker who owns the folder would."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = sha256_of(content)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def amend(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | changes))


def arrays_of(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / ARRAYS) as packed:
        return dict(packed)


def saved(arrays: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_the_same_training_gives_the_same_bundle(trained, tmp_path):
    first = trained("v2")
    again = make_bundle(tmp_path, "v2").scorer.sha256
    assert again == load_bundle(first.folder).sha256


def test_a_zip_of_the_folder_loads_alike(folder, tmp_path):
    zipped = shutil.make_archive(str(tmp_path / "model"), "zip", folder)
    assert load_bundle(Path(zipped)).sha256 == load_bundle(folder).sha256


@pytest.mark.parametrize("name", [MANIFEST, VOCABULARY, ARRAYS])
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(BundleRefused, match=name):
        load_bundle(folder)


@pytest.mark.parametrize("name", [VOCABULARY, ARRAYS])
def test_a_changed_file_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BundleRefused, match=f"{name}: its sha256 is not the one"):
        load_bundle(folder)


def test_a_link_is_not_followed(folder, tmp_path):
    (folder / VOCABULARY).rename(tmp_path / "elsewhere")
    (folder / VOCABULARY).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleRefused, match="not a plain file"):
        load_bundle(folder)


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "model.zip").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(BundleRefused, match="not a readable zip"):
        load_bundle(tmp_path / "model.zip")


def test_a_zip_without_a_manifest_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("../../manifest.json", "{}")
    with pytest.raises(BundleRefused, match="missing from the zip"):
        load_bundle(tmp_path / "model.zip")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "../../etc"}, "name"),
        ({"format": 2}, "format"),
        ({"surprise": 1}, "surprise"),
        ({"labels": ["positive"]}, "labels"),
        ({"labels": ["same", "same"]}, "labels repeat"),
        ({"labels": ["a", "b", "c"]}, "two labels"),
        ({"golden": []}, "golden"),
        ({"golden": [{"text": "", "probabilities": [1.0]}]}, "golden"),
        ({"thresholds": {"toxic": 0.5}}, "thresholds"),
        ({"files": {"../x": "0" * 64}}, "files"),
        ({"terms": {"words": 1}}, "terms"),
        ({"features": {"words": {"ngrams": [1, 1]}}}, "terms counts characters"),
    ],
)
def test_a_manifest_that_disagrees_is_refused_and_named(folder, changes, complaint):
    amend(folder, **changes)
    with pytest.raises(BundleRefused, match=complaint):
        load_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_json_object_is_refused(folder, content):
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleRefused, match=MANIFEST):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda arrays: arrays | {"intercept": np.array([np.nan])}, "NaN"),
        (lambda arrays: arrays | {"words.idf": arrays["words.idf"][:-1]}, "words.idf"),
        (lambda arrays: arrays | {"intercept": arrays["intercept"].astype("float32")}, "<f4"),
        (lambda arrays: arrays | {"extra": np.zeros(1)}, "extra"),
        (lambda arrays: {name: a for name, a in arrays.items() if name != "intercept"}, "holds"),
    ],
)
def test_arrays_that_disagree_with_the_manifest_are_refused(folder, spoil, complaint):
    rewrite(folder, ARRAYS, saved(spoil(arrays_of(folder))))
    with pytest.raises(BundleRefused, match=complaint):
        load_bundle(folder)


def test_nothing_in_a_bundle_is_unpickled(folder, tmp_path):
    class Bomb:
        def __reduce__(self) -> object:
            return Path.touch, (tmp_path / "exploded",)

    rewrite(folder, ARRAYS, saved(arrays_of(folder) | {"intercept": np.array([Bomb()], dtype=object)}))
    with pytest.raises(BundleRefused, match="nothing is read with pickle"):
        load_bundle(folder)
    assert not (tmp_path / "exploded").exists()


def test_arrays_that_unpack_to_gigabytes_are_refused_before_unpacking(folder):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in arrays_of(folder):
            archive.writestr(f"{name}.npy", bytes(1000))
            archive.getinfo(f"{name}.npy").file_size = 10 << 30
    rewrite(folder, ARRAYS, stream.getvalue())
    with pytest.raises(BundleRefused, match="compressed"):
        load_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"\x93NUMPY"])
def test_arrays_that_are_no_archive_are_refused(folder, content):
    rewrite(folder, ARRAYS, content)
    with pytest.raises(BundleRefused, match=r"holds|not readable"):
        load_bundle(folder)


def test_a_vocabulary_of_another_length_is_refused(folder):
    rewrite(folder, VOCABULARY, (folder / VOCABULARY).read_bytes() + b"one more\n")
    with pytest.raises(BundleRefused, match="terms, the manifest says"):
        load_bundle(folder)


def test_a_vocabulary_that_is_no_text_is_refused(folder):
    rewrite(folder, VOCABULARY, b"\xff\n")
    with pytest.raises(BundleRefused, match="not UTF-8"):
        load_bundle(folder)


def keys() -> tuple[bytes, bytes]:
    private = Ed25519PrivateKey.generate()
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def test_a_trusted_signature_is_demanded_where_a_public_key_is_set(trained, tmp_path):
    private, public = keys()
    make_bundle(tmp_path, signing_key=private)
    Scorer(load_bundle(tmp_path, public)).check_golden()
    with pytest.raises(BundleRefused, match="not made by the key"):
        load_bundle(tmp_path, keys()[1])
    with pytest.raises(BundleRefused, match="signature: missing"):
        load_bundle(trained("v1").folder, public)
    amend(tmp_path, version="v9")
    with pytest.raises(BundleRefused, match="not made by the key"):
        load_bundle(tmp_path, public)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BundleRefused):
        load_bundle(tmp_path / "nowhere")
