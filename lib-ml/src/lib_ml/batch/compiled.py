"""A model on the compiled path: Arrow's bytes through the kernel, what that can't read through the one-text path."""

from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from lib_ml.batch.alphabet import Alphabet
from lib_ml.batch.columns import Texts
from lib_ml.batch.tables import NotCompiled, tabulate
from lib_ml.bundle import Array, Bundle
from lib_ml.matrix import Output
from lib_ml.scorer import Scorer

__all__ = ["CompiledModel", "Range"]


class Range(NamedTuple):
    """Rows `first` to before `end` of a column."""

    first: int
    end: int


class CompiledModel:
    """Threads may share it; the interpreter's lock is held only for the few texts that the kernel leaves alone."""

    def __init__(self, bundle: Bundle, scorer: Scorer) -> None:
        """`scorer` answers what the kernel can't. Raises NotCompiled with the reason and what to do."""
        if find_spec("numba") is None:
            raise NotCompiled("numba is not installed; the extra `batch` of lib-ml brings it")
        self._scorer = scorer
        self._tables = tabulate(bundle, Alphabet(bundle.vocabulary))
        self._intercept = bundle.arrays["intercept"]
        self._output = Output(bundle) if bundle.manifest.hidden else None
        self._binary = bundle.manifest.outputs == "binary"

    def score(self, texts: Texts, rows: Range, found: Array) -> None:
        """Fills in rows `rows` of `found` (n_texts, n_labels), NaN for those that are null."""
        from lib_ml.batch.kernel import score_rows, workspace  # noqa: PLC0415 - only where there is a compiler

        offsets = texts.offsets[rows.first : rows.end + 1].astype(np.int64)
        sums, left = np.tile(self._intercept, (len(offsets) - 1, 1)), np.zeros(len(offsets) - 1, dtype=np.bool_)
        score_rows(self._tables, texts.letters, offsets, workspace(self._tables, offsets), sums, left)
        valid, mine = texts.valid[rows.first : rows.end], found[rows.first : rows.end]
        mine[:] = self._probabilities(sums)
        mine[~valid] = np.nan
        others = rows.first + np.flatnonzero(valid & left)
        if len(others):
            found[others] = self._scorer.probabilities_of_many([texts.text(row) for row in others.tolist()])

    def _probabilities(self, sums: Array) -> Array:
        positive = _sigmoid(sums if self._output is None else self._output.log_odds(sums))
        return np.concatenate([1 - positive, positive], axis=1) if self._binary else positive


def _sigmoid(log_odds: Array) -> Array:
    """The logistic function; where exp overflows, its inverse is the 0 that it should be."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-log_odds))
