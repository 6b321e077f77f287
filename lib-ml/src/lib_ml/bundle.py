"""A model as data: writing a bundle, and loading one only after every part of it was verified.

A bundle is a folder, or a zip of one, with three files: `manifest.json`, `vocabulary.txt` (a term a line, block after
block), `arrays.npz` (float64, no objects), and an optional `signature` (ed25519 over the manifest's bytes).
Nothing in it is code, nothing is unpickled, and nothing is extracted to disk.
"""

import hashlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from numpy.typing import NDArray
from pydantic import ValidationError

from lib_ml.manifest import FORMAT, Manifest, TermCounts
from lib_ml.packed_arrays import unpack

MANIFEST, VOCABULARY, ARRAYS, SIGNATURE = "manifest.json", "vocabulary.txt", "arrays.npz", "signature"
MAX_BYTES = {MANIFEST: 8 << 20, VOCABULARY: 256 << 20, ARRAYS: 1 << 30, SIGNATURE: 1 << 10}

Array = NDArray[np.float64]


class BundleRefused(Exception):
    """A bundle that must not serve; the message says which part is wrong and how."""


@dataclass(frozen=True)
class Bundle:
    """A verified bundle. `vocabulary` has `manifest.terms.total` terms; see `_expected_shapes` for the arrays."""

    manifest: Manifest
    sha256: str
    vocabulary: tuple[str, ...]
    arrays: Mapping[str, Array]


@cache
def lib_ml_version() -> str:
    """The bundle format and a fingerprint of this package's sources: the same in a wheel and in a checkout.

    Not the package's version: that moves with every commit, and then the same training would give another bundle.
    """
    digest = hashlib.sha256()
    sources = [path for path in Path(str(files("lib_ml"))).rglob("*") if path.suffix in {".py", ".txt"}]
    for path in sorted(sources):
        if path.name != "_build.py":
            digest.update(path.name.encode() + path.read_bytes())
    return f"{FORMAT}+{digest.hexdigest()[:12]}"


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def encode_files(vocabulary: tuple[str, ...], arrays: Mapping[str, Array]) -> dict[str, bytes]:
    """The bytes of vocabulary.txt and arrays.npz; the same content gives the same bytes."""
    packed = io.BytesIO()
    np.savez(
        packed,
        allow_pickle=False,
        **{name: np.ascontiguousarray(arrays[name], dtype=np.float64) for name in sorted(arrays)},
    )
    return {VOCABULARY: "".join(f"{term}\n" for term in vocabulary).encode(), ARRAYS: packed.getvalue()}


def write_bundle(
    folder: Path, manifest: Manifest, contents: Mapping[str, bytes], *, signing_key: bytes | None = None
) -> str:
    """Writes the files of a bundle into `folder` (made if needed) and returns the bundle's sha256.

    `contents` are those of `encode_files`, whose hashes the manifest must already name. `signing_key`: PEM.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoded = (manifest.model_dump_json(indent=1) + "\n").encode()
    for name, content in {**contents, MANIFEST: encoded}.items():
        (folder / name).write_bytes(content)
    if signing_key is not None:
        (folder / SIGNATURE).write_bytes(_private_key(signing_key).sign(encoded))
    return sha256_of(encoded)


def load_bundle(path: Path, public_key: bytes | None = None) -> Bundle:
    """Reads and verifies the bundle in the folder or zip `path`. Raises BundleRefused with the reason.

    With `public_key` (PEM, ed25519) a bundle without a valid signature is refused.
    """
    try:
        encoded = _read(path, MANIFEST)
        if public_key is not None:
            _verify_signature(encoded, _read(path, SIGNATURE), public_key)
        manifest = _manifest(encoded)
        vocabulary = _vocabulary(_verified(path, VOCABULARY, manifest), manifest)
        arrays = _arrays(_verified(path, ARRAYS, manifest), manifest)
    except OSError as error:
        raise BundleRefused(f"{error.__class__.__name__}: {error.strerror or error}") from error
    return Bundle(manifest, sha256_of(encoded), vocabulary, arrays)


def _read(path: Path, name: str) -> bytes:
    """One file of the bundle, never through a link and never more than its limit."""
    if path.is_symlink():
        raise BundleRefused("the bundle itself is a link")
    if path.is_dir():
        with _opened(path / name, name, MAX_BYTES[name]) as stream:
            return stream.read()
    with _opened(path, "the zip", sum(MAX_BYTES.values())) as stream:
        return _read_from_zip(stream, name)


def _opened(file: Path, name: str, limit: int) -> IO[bytes]:
    """A plain file of at most `limit` bytes; asked of the opened file, so that it can't be exchanged in between."""
    try:
        # Opening a FIFO would wait for a writer for ever.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BundleRefused(f"{name}: missing, or not a plain file ({error.strerror})") from error
    stream = open(descriptor, "rb")  # noqa: PTH123, SIM115 - the caller closes it
    status = os.fstat(descriptor)
    fault = "not a plain file" if not stat.S_ISREG(status.st_mode) else f"larger than {limit} bytes"
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        stream.close()
        raise BundleRefused(f"{name}: {fault}")
    return stream


def _read_from_zip(stream: IO[bytes], name: str) -> bytes:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = [member.orig_filename for member in archive.infolist()]
            if len(set(names)) < len(names) or not set(names) <= MAX_BYTES.keys():
                raise BundleRefused(f"{name}: missing from the zip, or not alone with the files of a bundle")
            with archive.open(name) as member:
                content = member.read(MAX_BYTES[name] + 1)
    except KeyError as error:
        raise BundleRefused(f"{name}: missing from the zip") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BundleRefused(f"not a bundle folder, and not a readable zip: {error}") from error
    if len(content) > MAX_BYTES[name]:
        raise BundleRefused(f"{name}: larger than {MAX_BYTES[name]} bytes")
    return content


def _manifest(encoded: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(encoded)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in fault["loc"])
        raise BundleRefused(f"{MANIFEST}: {where}: {fault['msg']}") from error
    if set(manifest.files) != {VOCABULARY, ARRAYS}:
        raise BundleRefused(f"{MANIFEST}: files must name {VOCABULARY} and {ARRAYS}, and nothing else")
    return manifest


def _verified(path: Path, name: str, manifest: Manifest) -> bytes:
    content = _read(path, name)
    if sha256_of(content) != manifest.files[name]:
        raise BundleRefused(f"{name}: its sha256 is not the one the manifest names")
    return content


def _vocabulary(content: bytes, manifest: Manifest) -> tuple[str, ...]:
    try:
        terms = tuple(content.decode("utf-8").split("\n"))[:-1]
    except UnicodeDecodeError as error:
        raise BundleRefused(f"{VOCABULARY}: not UTF-8") from error
    if len(terms) != manifest.terms.total:
        raise BundleRefused(f"{VOCABULARY}: {len(terms)} terms, the manifest says {manifest.terms.total}")
    if any(len(set(block)) < len(block) for block in _by_block(terms, manifest.terms).values()):
        raise BundleRefused(f"{VOCABULARY}: a term is there twice")
    return terms


def _arrays(content: bytes, manifest: Manifest) -> dict[str, Array]:
    try:
        return unpack(content, _expected_shapes(manifest))
    except ValueError as error:
        raise BundleRefused(f"{ARRAYS}: {error}") from error


def _expected_shapes(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """The arrays a manifest asks for. Weights: (terms, columns); idf: (terms,); valence: (terms, 2, columns).

    With hidden units the columns and `intercept` are theirs, and "output.weights" is (hidden, outputs).
    """
    columns, terms, features = manifest.columns, manifest.terms, manifest.features
    shapes: dict[str, tuple[int, ...]] = {"intercept": (columns,)}
    if manifest.hidden:
        shapes["output.weights"] = (manifest.hidden, manifest.output_columns)
        shapes["output.intercept"] = (manifest.output_columns,)
    for name, block, size in (
        ("words", features.words, terms.words),
        ("characters", features.characters, terms.characters),
    ):
        if block is not None:
            shapes[f"{name}.weights"] = (size, columns)
            if block.weighting == "tfidf":
                shapes[f"{name}.idf"] = (size,)
    if features.valence is not None:
        shapes["valence.weights"] = (terms.valence, 2, columns)
    return shapes


def terms_by_block(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    """The vocabulary, cut into its blocks."""
    return _by_block(bundle.vocabulary, bundle.manifest.terms)


def _by_block(vocabulary: tuple[str, ...], counts: TermCounts) -> dict[str, tuple[str, ...]]:
    to_characters = counts.words + counts.characters
    return {
        "words": vocabulary[: counts.words],
        "characters": vocabulary[counts.words : to_characters],
        "valence": vocabulary[to_characters:],
    }


def _private_key(pem: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("the signing key must be an ed25519 private key in PEM form")
    return key


def _verify_signature(encoded: bytes, signature: bytes, public_key: bytes) -> None:
    key = load_pem_public_key(public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError("the public key must be an ed25519 public key in PEM form")
    try:
        key.verify(signature, encoded)
    except InvalidSignature as error:
        raise BundleRefused(f"{SIGNATURE}: not made by the key that this service trusts") from error
