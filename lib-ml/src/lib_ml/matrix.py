"""The vectorised path: any number of texts against a matrix of weights, one column a label, with numpy.

For one column the dictionaries of `blocks` are quicker; for several, finding the terms once and letting numpy do the
sums is. Equal to them, and to the trained pipeline, to 1e-12.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lib_ml.bundle import Array, Bundle, terms_by_block
from lib_ml.features import character_ngrams
from lib_ml.manifest import Ngrams, ValenceFeatures
from lib_ml.reading import Reading, read, word_discounts, word_terms

Integers = NDArray[np.int64]


class BlockMatrix(Protocol):
    """One block of features, against all columns."""

    def add(self, readings: Sequence[Reading]) -> Array:
        """What the block adds to the log-odds, shape (n_texts, n_columns)."""
        ...


class MatrixScorer:
    """The probabilities of a list of texts."""

    def __init__(self, bundle: Bundle) -> None:
        self._reach = bundle.manifest.features.negation_reach
        self._binary = bundle.manifest.outputs == "binary"
        self._intercept = bundle.arrays["intercept"]
        self._blocks = _blocks(bundle)

    def probabilities(self, texts: Sequence[str]) -> Array:
        """Shape (n_texts, n_labels). A binary model's rows sum to 1; a multilabel model's need not."""
        return self.probabilities_of_readings([read(text, self._reach) for text in texts])

    def probabilities_of_readings(self, readings: Sequence[Reading]) -> Array:
        """The same for texts that were read before, with this model's reach of a negation."""
        log_odds = np.tile(self._intercept, (len(readings), 1))
        for block in self._blocks:
            log_odds += block.add(readings)
        positive = _sigmoid(log_odds)
        return np.hstack([1 - positive, positive]) if self._binary else positive


class NgramMatrix:
    """A block of counted terms. `weights`: (n_terms, n_columns); `idf`: (n_terms,), there just for tfidf."""

    def __init__(
        self,
        block: Ngrams,
        terms: Sequence[str],
        weights: Array,
        idf: Array | None,
        terms_of: Callable[[Reading], list[str]],
    ) -> None:
        self._row_of = {term: row for row, term in enumerate(terms)}
        self._weights = weights
        self._idf = idf
        self._sublinear = block.sublinear
        self._terms_of = terms_of

    def add(self, readings: Sequence[Reading]) -> Array:
        texts, terms, values = self._entries(readings)
        if self._idf is not None:
            values *= self._idf[terms]
            lengths = np.sqrt(np.bincount(texts, values * values, len(readings)))
            values /= lengths[texts]
        return _summed(texts, values[:, None] * self._weights[terms], len(readings))

    def _entries(self, readings: Sequence[Reading]) -> tuple[Integers, Integers, Array]:
        """Which text holds which known term how often: three arrays of one length."""
        row_of, size = self._row_of, max(len(self._row_of), 1)
        found = [
            text * size + row
            for text, reading in enumerate(readings)
            for term in self._terms_of(reading)
            if (row := row_of.get(term)) is not None
        ]
        entries, counts = np.unique(np.array(found, dtype=np.int64), return_counts=True)
        values = 1 + np.log(counts) if self._sublinear else counts.astype(np.float64)
        return entries // size, entries % size, values


class ValenceMatrix:
    """The lexicons. `weights`: (n_words, 2, n_columns), outside and inside a negation."""

    def __init__(self, block: ValenceFeatures, terms: Sequence[str], weights: Array) -> None:
        self._block = block
        self._row_of = {word: row for row, word in enumerate(terms)}
        self._weights = weights

    def add(self, readings: Sequence[Reading]) -> Array:
        found = [
            (text, self._row_of[word], negated, factor)
            for text, reading in enumerate(readings)
            for word, negated, factor in zip(
                reading.words, reading.negated, word_discounts(reading, self._block), strict=True
            )
            if word in self._row_of
        ]
        texts, rows, negated, factors = np.array(found, dtype=np.float64).reshape(-1, 4).T
        weights = self._weights[rows.astype(np.int64), negated.astype(np.int64)]
        return _summed(texts.astype(np.int64), factors[:, None] * weights, len(readings))


def _blocks(bundle: Bundle) -> list[BlockMatrix]:
    features, arrays, terms = bundle.manifest.features, bundle.arrays, terms_by_block(bundle)
    blocks: list[BlockMatrix] = []
    if words := features.words:
        weights, idf = arrays["words.weights"], arrays.get("words.idf")
        blocks.append(NgramMatrix(words, terms["words"], weights, idf, lambda reading: word_terms(reading, words)))
    if characters := features.characters:
        weights, idf = arrays["characters.weights"], arrays.get("characters.idf")
        spelled = _spelled(*characters.ngrams)
        blocks.append(NgramMatrix(characters, terms["characters"], weights, idf, spelled))
    if features.valence:
        blocks.append(ValenceMatrix(features.valence, terms["valence"], arrays["valence.weights"]))
    return blocks


def _spelled(low: int, high: int) -> Callable[[Reading], list[str]]:
    return lambda reading: [gram for chunk in reading.cleaned.split() for gram in character_ngrams(chunk, low, high)]


def _summed(texts: Integers, parts: Array, n_texts: int) -> Array:
    """The rows of `parts` summed by the text that each belongs to."""
    return np.stack([np.bincount(texts, column, n_texts) for column in parts.T], axis=1)


def _sigmoid(log_odds: Array) -> Array:
    """The logistic function without overflow at either end."""
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1 / (1 + small), small / (1 + small))
