"""The arrays of a bundle, out of the bytes of arrays.npz: float64 as numpy packs them, and nothing else.

numpy's own reader takes more than that: it unpacks what is compressed, believes any shape, evaluates headers as Python
literals and hands over files that are no arrays at all.
"""

import io
import math
import re
import zipfile
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(rb"\{'descr': '([^']{1,20})', 'fortran_order': (False|True), 'shape': \(([0-9, ]{0,80})\), \} *\n")
_FLOAT64, _LONGEST_HEADER, _LENGTH = b"<f8", 1 << 10, 2


def unpack(content: bytes, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.float64]]:
    """The arrays that `shapes` names. Raises ValueError that says what is wrong with which."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive.infolist(), shapes)
            return {name: _array(name, archive.read(f"{name}.npy"), shape) for name, shape in shapes.items()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError("not readable as plain arrays") from error


def _check_members(members: list[zipfile.ZipInfo], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Before anything is unpacked: a few bytes can declare gigabytes, and two arrays can have one name."""
    names = sorted(member.orig_filename.removesuffix(".npy") for member in members)
    if names != sorted(shapes):
        raise ValueError(f"holds {names[:20]}, not {sorted(shapes)}")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ValueError(f"{member.filename} is compressed, which no bundle's arrays are")


def _array(name: str, packed: bytes, shape: tuple[int, ...]) -> NDArray[np.float64]:
    start = len(_MAGIC) + _LENGTH
    size = int.from_bytes(packed[len(_MAGIC) : start], "little")
    header = _HEADER.fullmatch(packed[start : start + size]) if size <= _LONGEST_HEADER else None
    if not packed.startswith(_MAGIC) or header is None:
        raise ValueError(f"{name} is no plain array, readable without pickle")
    kind, by_columns, declared = header.groups()
    found = tuple(int(length) for length in declared.split(b",") if length.strip())
    if kind != _FLOAT64 or by_columns != b"False" or found != shape:
        order = ", by columns" if by_columns == b"True" else ""
        raise ValueError(
            f"{name} is {kind.decode('latin-1')} {found}{order}, not <f8 {shape}; nothing is read with pickle"
        )
    if len(packed) != start + size + 8 * math.prod(shape):
        raise ValueError(f"{name} has another length than its shape")
    array = np.frombuffer(packed, dtype=np.float64, offset=start + size).reshape(shape).copy()
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return array
