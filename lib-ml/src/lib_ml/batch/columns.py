"""A column of texts as Arrow keeps it: one buffer of bytes, one of offsets, and which rows are null."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeGuard

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lib_ml.batch.alphabet import Bytes
from lib_ml.batch.tables import Offsets

Mask = NDArray[np.bool_]


class Texts(NamedTuple):
    """Text n is `letters[offsets[n]:offsets[n + 1]]`, UTF-8; what a row that is not `valid` holds means nothing."""

    letters: Bytes
    offsets: NDArray[np.int32] | Offsets
    valid: Mask

    def text(self, row: int) -> str:
        """Raises ValueError when the bytes are no UTF-8, which Arrow forbids but does not always check."""
        return self.letters[self.offsets[row] : self.offsets[row + 1]].tobytes().decode()


def arrays_of(column: Any) -> Iterator[Any]:  # noqa: ANN401 - pyarrow is untyped, and so is who speaks its protocol
    """The Arrow arrays of a pyarrow column, or of another library's (polars, pandas, …) that hands Arrow data over.

    Raises TypeError for anything else.
    """
    if isinstance(column, pa.Array):
        yield column
    elif isinstance(column, pa.ChunkedArray):
        yield from column.chunks
    elif hasattr(column, "__arrow_c_stream__"):
        yield from pa.chunked_array(column).chunks
    elif hasattr(column, "__arrow_c_array__"):
        yield pa.array(column)
    else:
        raise TypeError(f"an Arrow column is needed, not {type(column).__name__}: pyarrow.array(texts) makes one")


def texts_of(array: pa.Array) -> Texts:
    """The buffers of an array of strings, of whatever width, without copying them; a slice's begin where it does.

    Raises TypeError for another type, ValueError for offsets that point outside the data.
    """
    if pa.types.is_null(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.large_string())
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise TypeError(f"a column of texts is needed, not of {array.type}")
    width = np.dtype(np.int64 if pa.types.is_large_string(array.type) else np.int32)
    _, offsets, letters = array.buffers()
    if len(array) == 0:
        return Texts(np.empty(0, np.uint8), np.zeros(1, width), np.empty(0, np.bool_))
    return _checked(
        Texts(
            _bytes_of(letters),
            np.frombuffer(offsets, dtype=width, count=len(array) + 1, offset=array.offset * width.itemsize),
            array.is_valid().to_numpy(zero_copy_only=False),
        )
    )


def is_dictionary(array: pa.Array) -> TypeGuard[pa.DictionaryArray]:
    return bool(pa.types.is_dictionary(array.type))


def _bytes_of(buffer: pa.Buffer | None) -> Bytes:
    """Never writable, so that the kernel is compiled for one kind of array only."""
    letters = np.frombuffer(buffer, dtype=np.uint8) if buffer else np.empty(0, dtype=np.uint8)
    letters.flags.writeable = False
    return letters


def _checked(texts: Texts) -> Texts:
    """Compiled code would read whatever the offsets point at."""
    offsets = texts.offsets
    if offsets[0] < 0 or offsets[-1] > len(texts.letters) or (offsets[1:] < offsets[:-1]).any():
        raise ValueError("the column's offsets point outside its data")
    return texts
