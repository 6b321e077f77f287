"""Many texts at once: a column of them in, a matrix of probabilities out."""

import logging
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from lib_ml.batch.columns import Texts, arrays_of, is_dictionary, texts_of
from lib_ml.batch.compiled import CompiledModel, Range
from lib_ml.batch.tables import NotCompiled
from lib_ml.bundle import Array, Bundle
from lib_ml.scorer import Scorer

ROWS_AT_ONCE = 8_192  # what one thread takes: enough to forget the call, few enough to keep all threads busy
ROWS_OF_A_FILE = 65_536
log = logging.getLogger(__name__)


class BatchScorer:
    """The probabilities of whole columns of texts, equal to `Scorer.probabilities` to 1e-9.

    `hint` is None when the compiled path works, else why it does not and what to do; the same numbers then take longer.
    Threads may share it.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """`threads`: as many as the process may use cores unless told."""
        self.labels = bundle.manifest.labels
        self.hint: str | None = None
        self._threads = threads or len(os.sched_getaffinity(0))
        self._scorer = Scorer(bundle)
        self._compiled: CompiledModel | None = None
        try:
            self._compiled = CompiledModel(bundle, self._scorer)
        except NotCompiled as reason:
            self.hint = str(reason)
            _say_once(self.hint)

    def probabilities(self, column: Any) -> Array:  # noqa: ANN401 - see `arrays_of`
        """Shape (n_rows, n_labels), float64; a row of NaN for a null.

        `column`: an Arrow array or chunked array of strings, of any width, dictionary-encoded or not; or a column of a
        library that hands Arrow data over. Raises TypeError for another type, ValueError for a text that is no UTF-8.
        """
        arrays = [self._of_array(array) for array in arrays_of(column)]
        return np.concatenate(arrays) if arrays else np.empty((0, len(self.labels)))

    def probabilities_of_batches(self, batches: Iterable[pa.RecordBatch], column: str) -> Iterator[Array]:
        """The probabilities of each record batch's `column`; memory is bounded by the largest batch."""
        for batch in batches:
            yield self.probabilities(batch.column(column))

    def probabilities_of_parquet(self, file: Path, column: str, *, rows: int = ROWS_OF_A_FILE) -> Iterator[Array]:
        """The same for a Parquet file, read `rows` rows at a time."""
        with parquet.ParquetFile(file) as opened:
            yield from self.probabilities_of_batches(opened.iter_batches(rows, columns=[column]), column)

    def _of_array(self, array: pa.Array) -> Array:
        if is_dictionary(array):
            return self._of_dictionary(array)
        texts = texts_of(array)
        found = np.full((len(array), len(self.labels)), np.nan)
        ranges = [Range(at, min(at + ROWS_AT_ONCE, len(array))) for at in range(0, len(array), ROWS_AT_ONCE)]
        if len(ranges) <= 1 or self._threads == 1:
            for some in ranges:
                self._score(texts, some, found)
            return found
        with ThreadPoolExecutor(self._threads, "batch-scorer") as pool:
            for done in [pool.submit(self._score, texts, some, found) for some in ranges]:
                done.result()
        return found

    def _of_dictionary(self, array: pa.DictionaryArray) -> Array:
        """Each text that the rows name is scored once."""
        found = np.full((len(array), len(self.labels)), np.nan)
        valid = array.indices.is_valid().to_numpy(zero_copy_only=False)
        named, rows = np.unique(array.indices.drop_null().to_numpy(), return_inverse=True)
        found[valid] = self._of_array(array.dictionary.take(pa.array(named)))[rows]
        return found

    def _score(self, texts: Texts, rows: Range, found: Array) -> None:
        """Fills in the rows that are not null."""
        if self._compiled is not None:
            self._compiled.score(texts, rows, found)
            return
        there = rows.first + np.flatnonzero(texts.valid[rows.first : rows.end])
        found[there] = self._scorer.probabilities_of_many([texts.text(row) for row in there.tolist()])


@cache
def _say_once(hint: str) -> None:
    log.warning("many texts are scored one by one: %s", hint)
