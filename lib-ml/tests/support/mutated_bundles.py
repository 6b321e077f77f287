"""Five hundred ways in which a bundle can be wrong, made from a good one by a seed: the same in every run.

`blind` mutations leave the hashes as they were: what chance and failing disks do. The others name the new hashes in the
manifest, as one would who means it.
"""

import io
import json
import os
import pickle
import random
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from lib_ml.bundle import ARRAYS, MANIFEST, VOCABULARY, sha256_of
from numpy.lib import format as npy

SEED = 20261121
NUMBER = 500
FILES = (MANIFEST, VOCABULARY, ARRAYS)
Contents = dict[str, bytes]
MARK = "PALATE_WAS_HERE"  # a folder's variable; code that runs while loading would leave a file there


class Mutant(NamedTuple):
    """A wrong bundle: how it came about, and how to make it at a path where nothing is yet."""

    number: int
    kind: str
    write: Callable[[Path], None]


class _Bomb:
    """Unpickled, it leaves a file behind."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f'touch "${MARK}/exploded"',)


def mutants(good: Path) -> Iterator[Mutant]:
    """The five hundred, each kind in turn. `good`: a bundle's folder."""
    contents = {name: (good / name).read_bytes() for name in FILES}
    kinds = [*_KINDS]
    for number in range(NUMBER):
        kind = kinds[number % len(kinds)]
        draw = random.Random(f"{SEED} {number}")
        yield Mutant(number, kind, partial(_KINDS[kind], dict(contents), draw))


def write_folder(path: Path, contents: Mapping[str, bytes]) -> None:
    path.mkdir(parents=True)
    for name, content in contents.items():
        (path / name).write_bytes(content)


def _rehashed(contents: Contents) -> Contents:
    manifest = json.loads(contents[MANIFEST])
    manifest["files"] = {name: sha256_of(contents[name]) for name in (VOCABULARY, ARRAYS)}
    return contents | {MANIFEST: json.dumps(manifest).encode()}


def _amended(contents: Contents, **changes: object) -> Contents:
    return contents | {MANIFEST: json.dumps(json.loads(contents[MANIFEST]) | changes).encode()}


def _truncated(contents: Contents, draw: random.Random, path: Path) -> None:
    name = draw.choice(FILES)
    # The manifest ends in "}" and a line's end, which says nothing.
    cut = contents[name][: draw.randrange(len(contents[name].rstrip()))]
    write_folder(path, contents | {name: cut})


def _bits_flipped(contents: Contents, draw: random.Random, path: Path) -> None:
    name = draw.choice((VOCABULARY, ARRAYS))
    spoilt = bytearray(contents[name])
    for _ in range(draw.choice((1, 1, 8, 100))):
        spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
    write_folder(path, contents | {name: bytes(spoilt)} if spoilt != contents[name] else {})


def _overwritten(contents: Contents, draw: random.Random, path: Path) -> None:
    name = draw.choice((VOCABULARY, ARRAYS))
    at = draw.randrange(len(contents[name]) - 64)
    write_folder(path, contents | {name: contents[name][:at] + draw.randbytes(64) + contents[name][at + 64 :]})


def _wrong_sha(contents: Contents, draw: random.Random, path: Path) -> None:
    name = draw.choice((VOCABULARY, ARRAYS))
    manifest = json.loads(contents[MANIFEST])
    wrong = draw.choice(
        (draw.randbytes(32).hex(), manifest["files"][name].upper(), manifest["files"][name][:-1], "", 7)
    )
    write_folder(path, _amended(contents, files=manifest["files"] | {name: wrong}))


def _arrays(contents: Contents, draw: random.Random, path: Path) -> None:
    """Arrays of other values, shapes, types and names, under their right hash."""
    arrays = dict(np.load(io.BytesIO(contents[ARRAYS])))
    name = draw.choice(sorted(arrays))
    spoil = draw.choice(_SPOILERS)
    write_folder(path, _rehashed(contents | {ARRAYS: _saved(spoil(arrays, name, draw))}))


def _with(arrays: dict[str, Any], name: str, value: float, draw: random.Random) -> dict[str, Any]:
    spoilt = arrays[name].copy()
    spoilt.flat[draw.randrange(spoilt.size)] = value
    return arrays | {name: spoilt}


_SPOILERS: list[Callable[[dict[str, Any], str, random.Random], dict[str, Any]]] = [
    lambda arrays, name, draw: _with(arrays, name, np.nan, draw),
    lambda arrays, name, draw: _with(arrays, name, draw.choice((np.inf, -np.inf)), draw),
    lambda arrays, name, _: arrays | {name: arrays[name][:-1]},
    lambda arrays, name, _: arrays | {name: np.concatenate([arrays[name], arrays[name][:1]])},
    lambda arrays, name, _: arrays | {name: arrays[name].astype(np.float32)},
    lambda arrays, name, _: arrays | {name: arrays[name].astype("complex128")},
    lambda arrays, name, _: arrays | {name: arrays[name].astype("S8")},
    lambda arrays, name, _: arrays | {name: arrays[name][..., None]},
    lambda arrays, name, _: {other: array for other, array in arrays.items() if other != name},
    lambda arrays, name, draw: arrays | {f"{name}.{draw.randrange(99)}": arrays[name]},
    lambda arrays, _, draw: arrays | {"intercept": arrays["intercept"] + draw.choice((1e-6, 1.0, 1e300))},
    lambda arrays, name, _: arrays | {name: np.array(0.5)},
]


def _saved(arrays: Mapping[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=True, **arrays)
    return stream.getvalue()


def _objects(contents: Contents, draw: random.Random, path: Path) -> None:
    arrays = dict(np.load(io.BytesIO(contents[ARRAYS])))
    name = draw.choice(sorted(arrays))
    objects = np.full(arrays[name].shape, _Bomb() if draw.random() < 0.5 else 0.5, dtype=object)
    write_folder(path, _rehashed(contents | {ARRAYS: _saved(arrays | {name: objects})}))


def _pickled(contents: Contents, draw: random.Random, path: Path) -> None:
    """A pickle where an array should be: inside the archive, instead of it, or behind an array's own header."""
    bomb = pickle.dumps(_Bomb(), protocol=draw.randrange(6))
    inside = draw.choice(("intercept.npy", "intercept", "payload.pkl"))
    archive = _repacked(contents[ARRAYS], {inside: draw.choice((bomb, _npy("|O", (1,), bomb)))})
    write_folder(path, _rehashed(contents | {ARRAYS: draw.choice((bomb, archive))}))


def _npy(kind: str, shape: tuple[int, ...], content: bytes) -> bytes:
    header = io.BytesIO()
    npy.write_array_header_2_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    return header.getvalue() + content


def _repacked(archive: bytes, replaced: Mapping[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(stream, "w", how) as new:
        for member in old.namelist():
            new.writestr(member, replaced.get(member, old.read(member)))
        for member in replaced.keys() - set(old.namelist()):
            new.writestr(member, replaced[member])
    return stream.getvalue()


def _huge_shape(contents: Contents, draw: random.Random, path: Path) -> None:
    """A header that claims gigabytes, before a few bytes."""
    shape = draw.choice(((10 << 30,), (1 << 62,), (-1,), (1 << 20, 1 << 20), (10**30,), (0, 1 << 62), (1,) * 100))
    name = draw.choice(("intercept.npy", "words.weights.npy"))
    archive = _repacked(contents[ARRAYS], {name: _npy("<f8", shape, draw.randbytes(64))})
    write_folder(path, _rehashed(contents | {ARRAYS: archive}))


def _odd_header(contents: Contents, draw: random.Random, path: Path) -> None:
    """A header is a Python literal: deep, long, or no literal at all."""
    header = draw.choice(
        (b"(" * 50_000, b"__import__('os').system('true')", b"{'descr':" + b"[" * 9_000, b"9**9**9", b"\0")
    )
    length = struct.pack("<I", len(header))
    archive = _repacked(contents[ARRAYS], {"intercept.npy": b"\x93NUMPY\2\0" + length + header})
    write_folder(path, _rehashed(contents | {ARRAYS: archive}))


def _zip_bomb(contents: Contents, draw: random.Random, path: Path) -> None:
    """Members that declare 10 GB, or pack 64 MB into thousands of bytes."""
    if draw.random() < 0.5:
        spoilt = bytearray(_repacked(contents[ARRAYS], {}, zipfile.ZIP_DEFLATED))
        at = spoilt.rindex(b"PK\1\2") + 24
        spoilt[at : at + 4] = struct.pack("<I", draw.choice((0xFFFFFFFE, 3 << 30, 2 << 30)))
        archive = bytes(spoilt)
    else:
        archive = _repacked(contents[ARRAYS], {"intercept.npy": bytes(64 << 20)}, zipfile.ZIP_DEFLATED)
    write_folder(path, _rehashed(contents | {ARRAYS: archive}))


def _duplicate_member(contents: Contents, draw: random.Random, path: Path) -> None:
    """Two arrays of one name: which one was hashed, proved and signed is for nobody to guess."""
    stream = io.BytesIO(contents[ARRAYS])
    with zipfile.ZipFile(stream, "a") as archive:
        name = draw.choice(archive.namelist())
        with warnings.catch_warnings(action="ignore"):  # zipfile says that the name is there
            archive.writestr(name, archive.read(name))
    write_folder(path, _rehashed(contents | {ARRAYS: stream.getvalue()}))


def _vocabulary(contents: Contents, draw: random.Random, path: Path) -> None:
    """One that does not fit the weights: terms missing, added, exchanged, repeated, or no text."""
    terms = contents[VOCABULARY].split(b"\n")[:-1]
    words = json.loads(contents[MANIFEST])["terms"]["words"]
    at, other = draw.sample(range(words), 2)
    spoilt = draw.choice(
        (
            terms[:at] + terms[at + 1 :],
            [*terms, b"more"],
            [*terms[:at], b"\xff\xfe", *terms[at + 1 :]],
            [*terms[:at], terms[other], *terms[at + 1 :]],
            terms[:words][::-1] + terms[words:],
            [*terms[:at], b"a\nb", *terms[at + 1 :]],
            [],
        )
    )
    write_folder(path, _rehashed(contents | {VOCABULARY: b"".join(term + b"\n" for term in spoilt)}))


def _manifest(contents: Contents, draw: random.Random, path: Path) -> None:
    """One that says what is not so, or what no manifest says."""
    manifest = json.loads(contents[MANIFEST])
    field, choices = draw.choice([*_wrong_fields(manifest).items()])
    write_folder(path, _amended(contents, **{field: draw.choice(choices)}))


def _wrong_fields(manifest: dict[str, Any]) -> dict[str, list[Any]]:
    golden, terms, features = manifest["golden"], manifest["terms"], manifest["features"]
    turned = golden[1] | {"probabilities": golden[1]["probabilities"][::-1]}
    nobodys = {"text": "x", "probabilities": [0.5, 0.5]}
    accuracy = {"value": 0.5, "low": 0, "high": 1}
    return {
        "labels": [["one"], ["a", "b", "c"], ["same", "same"], [], "one", ["../x", "y"], [f"l{n}" for n in range(65)]],
        "outputs": ["multilabel", "none", 1, None],
        "terms": [{}, *(terms | {"words": number} for number in (terms["words"] + 1, 4_999_999, 10**30, -1, "many"))],
        "features": [{}, None, {"words": None}, features | {"negation_reach": 11}, features | {"characters": None}],
        "golden": [[], golden * 200, [nobodys], [nobodys | {"probabilities": [2, -1]}], [golden[0], turned]],
        "thresholds": [{"toxic": 0.5}, {"positive": 7}, {"positive": "NaN"}],
        "files": [{}, {VOCABULARY: "0" * 64}, manifest["files"] | {"../../run.sh": "0" * 64}, None],
        "format": [0, 2, "1", None, True],
        "name": ["../../etc", "", "a" * 300, "A", "sentiment\0", "a/b", "%2e%2e"],
        "version": ["../1", "", "v" * 300, "v1\n", "v1/2", " "],
        "data": [None, {}, manifest["data"] | {"rows": 0}, manifest["data"] | {"name": ""}],
        "metrics": [{"accuracy": accuracy | {"value": value}} for value in ("NaN", "Infinity", None)],
        "surprise": [True],
        "hidden": [-1, 4, 10**9],
    }


def _no_json(contents: Contents, draw: random.Random, path: Path) -> None:
    deep = draw.choice((200, 100_000, 3_000_000))
    text = draw.choice(
        (
            b"[" * deep,
            b'{"a":' * deep,
            b'{"params":' + b"[" * deep + b"]" * deep + b"}",
            b"[]",
            b"null",
            b"\xff\xfe{}",
            b'{"golden": 1e999}',
            b"{} {}",
        )
    )
    write_folder(path, contents | {MANIFEST: text})


def _too_large(contents: Contents, draw: random.Random, path: Path) -> None:
    """Files of 10 GB, which cost the disk nothing."""
    write_folder(path, contents)
    os.truncate(path / draw.choice(FILES), 10 << 30)


def _no_plain_file(contents: Contents, draw: random.Random, path: Path) -> None:
    """Links, to the good file or out of the house, a FIFO that nobody writes to, a folder, a device."""
    name = draw.choice(FILES)
    write_folder(path, contents)
    (path / name).unlink()
    beside = path.with_name(path.name + ".elsewhere")
    beside.write_bytes(contents[name])
    draw.choice(
        (
            lambda file: file.symlink_to(beside),
            lambda file: file.symlink_to(file),
            lambda file: file.symlink_to("/dev/zero"),
            lambda file: file.symlink_to("../../../../../../etc/passwd"),
            os.mkfifo,
            Path.mkdir,
            _nothing,
        )
    )(path / name)


def _nothing(_file: Path) -> None:
    """The file is missing."""


def _linked_folder(contents: Contents, draw: random.Random, path: Path) -> None:
    """The folder itself leads elsewhere: what was verified there is not what lies here tomorrow."""
    elsewhere = path.with_name(path.name + ".elsewhere")
    write_folder(elsewhere, contents)
    target = draw.choice((elsewhere, Path("/dev/zero"), path, Path("/etc/passwd"), path.with_name("nowhere")))
    path.symlink_to(target)


def _no_folder(contents: Contents, draw: random.Random, path: Path) -> None:
    """Something else where the folder should be."""
    draw.choice(
        (
            os.mkfifo,
            Path.mkdir,
            Path.touch,
            lambda file: file.write_bytes(contents[ARRAYS]),
            lambda file: file.write_bytes(pickle.dumps(_Bomb())),
            lambda file: file.write_bytes(draw.randbytes(5_000)),
            lambda file: file.write_bytes(b"PK\5\6" + bytes(18)),
        )
    )(path)


def _zip_of(contents: Mapping[str, bytes], names: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in contents.items():
            archive.writestr(names.get(name, name), content)
    return stream.getvalue()


def _zip_slip(contents: Contents, draw: random.Random, path: Path) -> None:
    """A bundle in a zip, one of whose files has a name that leads out of it."""
    name = draw.choice(FILES)
    slipped = draw.choice(
        (
            f"../{name}",
            f"../../{name}",
            f"/tmp/{name}",
            f"..\\{name}",
            f"./{name}",
            name.upper(),
            f"{name} ",
            "a" * 300,
        )
    )
    path.write_bytes(_zip_of(contents, {name: slipped}))


def _spoilt_zip(contents: Contents, draw: random.Random, path: Path) -> None:
    """A bundle in a zip that is cut, encrypted by its own word, packed as nobody can unpack, or declares 10 GB."""
    good = bytearray(_zip_of(contents, {}))
    directory = good.index(b"PK\1\2")
    match draw.randrange(5):
        case 0:
            del good[draw.randrange(directory) :]
        case 1:
            good[6] |= 1
            good[directory + 8] |= 1
        case 2:
            good[8] = good[directory + 10] = draw.choice((1, 6, 9, 97, 99))
        case 3:
            good[directory + 20 : directory + 28] = struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0)
        case _:
            at = draw.randrange(30, 1_000)
            good[at : at + 16] = draw.randbytes(16)
    path.write_bytes(bytes(good))


_KINDS: Mapping[str, Callable[[Contents, random.Random, Path], None]] = {
    "truncated": _truncated,
    "bits flipped": _bits_flipped,
    "overwritten": _overwritten,
    "wrong sha": _wrong_sha,
    "arrays": _arrays,
    "objects": _objects,
    "pickle": _pickled,
    "huge shape": _huge_shape,
    "odd header": _odd_header,
    "zip bomb": _zip_bomb,
    "duplicate member": _duplicate_member,
    "vocabulary": _vocabulary,
    "manifest": _manifest,
    "more manifests": _manifest,
    "no JSON": _no_json,
    "too large": _too_large,
    "no plain file": _no_plain_file,
    "linked folder": _linked_folder,
    "no folder": _no_folder,
    "zip slip": _zip_slip,
    "spoilt zip": _spoilt_zip,
}
