"""Models with several columns of weights: several labels, or hidden units in between (a small neural network).

One look-up finds a term's row, and numpy does the sums over all columns; six dictionaries of one label each would take
six times the memory. The explanation comes from the same matrix. Equal to the trained pipeline to 1e-12.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lib_ml.blocks import LONGEST_CHUNK_REMEMBERED, Part, shared
from lib_ml.bundle import Array, Bundle, terms_by_block
from lib_ml.features import NEGATED, character_ngrams
from lib_ml.manifest import CharacterFeatures, Ngrams, ValenceFeatures, WordFeatures
from lib_ml.reading import Reading, read, word_discounts, word_terms
from lib_ml.text import words

Integers = NDArray[np.intp]

CHUNKS_REMEMBERED = 4_096  # at most some 3 MB a model


class Chunk(NamedTuple):
    """A whitespace-free piece of a text: the rows of its known n-grams, and the words that these speak for."""

    rows: tuple[int, ...]
    words: list[str]


class Found(NamedTuple):
    """What one block knows of a text: different rows of its weights, and the value that each is multiplied with.

    `counts`: how often each stands in the text. `chunks`: of a block of characters, the text's chunks in their order.
    """

    rows: Integers
    values: Array
    counts: Array
    chunks: Sequence[Chunk] = ()


class BlockMatrix(Protocol):
    """One block of features, against all columns."""

    weights: Array

    def find(self, reading: Reading) -> Found:
        """The block's known features in the text."""
        ...

    def attribute(self, found: Found, parts: Array) -> Iterator[Part]:
        """(word, part) for `parts`, which has what each of the found rows adds; they sum to the same."""
        ...


class Attribution(NamedTuple):
    """One label's log-odds in parts: those of the words, and `intercept`, which stands for no word."""

    intercept: float
    parts: Mapping[str, float]


class MatrixScorer:
    """The log-odds of a text, and where they come from. Its answers never change, so threads may share it."""

    def __init__(self, bundle: Bundle) -> None:
        self._reach = bundle.manifest.features.negation_reach
        self._binary = bundle.manifest.outputs == "binary"
        self._intercept = bundle.arrays["intercept"]
        self._output = Output(bundle) if bundle.manifest.hidden else None
        self._blocks = _blocks(bundle)

    def probabilities(self, texts: Sequence[str]) -> Array:
        """Shape (n_texts, n_labels). A binary model's rows sum to 1; a multilabel model's need not."""
        readings = (read(text, self._reach) for text in texts)
        log_odds = [self._log_odds(self._columns(self._find(reading))) for reading in readings]
        positive = _sigmoid(np.array(log_odds).reshape(len(texts), -1))
        return np.hstack([1 - positive, positive]) if self._binary else positive

    def log_odds(self, reading: Reading) -> list[float]:
        """One number for each output: a label, or labels[1] of a binary model."""
        listed: list[float] = self._log_odds(self._columns(self._find(reading))).tolist()
        return listed

    def reasoned(self, reading: Reading, output: int | None) -> tuple[list[float], int, Attribution]:
        """The log-odds, and the attribution of the output asked for, or else of the likeliest, with its number."""
        found = self._find(reading)
        columns = self._columns(found)
        log_odds = self._log_odds(columns)
        asked = int(log_odds.argmax()) if output is None else output
        return log_odds.tolist(), asked, self._attribution(found, columns, asked)

    def weight(self, reading: Reading) -> float:
        """The most that any output can move by what each block, for itself, adds for the text; >= 0."""
        found = zip(self._blocks, self._find(reading), strict=True)
        weight = sum((np.abs(mine.values @ block.weights[mine.rows]) for block, mine in found), np.zeros(1))
        return float((weight if self._output is None else weight @ np.abs(self._output.weights)).max())

    def _find(self, reading: Reading) -> list[Found]:
        return [block.find(reading) for block in self._blocks]

    def _columns(self, found: list[Found]) -> Array:
        columns = self._intercept.copy()
        for block, mine in zip(self._blocks, found, strict=True):
            columns += mine.values @ block.weights[mine.rows]
        return columns

    def _log_odds(self, columns: Array) -> Array:
        return columns if self._output is None else self._output.log_odds(columns)

    def _attribution(self, found: list[Found], columns: Array, output: int) -> Attribution:
        if self._output is None:
            intercept, direction = float(self._intercept[output]), None
        else:
            direction = self._output.direction(columns, output)
            intercept = float(self._output.intercept[output] + self._intercept @ direction)
        parts: defaultdict[str, float] = defaultdict(float)
        for block, mine in zip(self._blocks, found, strict=True):
            weights = block.weights[mine.rows, output] if direction is None else block.weights[mine.rows] @ direction
            for word, part in block.attribute(mine, mine.values * weights):
                parts[word] += part
        return Attribution(intercept, parts)


class Output:
    """The second layer of a network with one layer of rectified linear units: log-odds = max(0, columns) W + b.

    For the units that a text switches on the log-odds are linear in its features, so the attribution is exact for this
    text. Its intercept is what remains when these units get no words: not what the model says of an empty text.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.weights = bundle.arrays["output.weights"]
        self.intercept = bundle.arrays["output.intercept"]

    def log_odds(self, columns: Array) -> Array:
        return np.maximum(columns, 0.0) @ self.weights + self.intercept

    def direction(self, columns: Array, output: int) -> Array:
        """How the log-odds of an output move with each unit, shape (hidden,)."""
        return np.where(columns > 0, self.weights[:, output], 0.0)


class NgramMatrix:
    """What both blocks of counted terms do. `weights`: (n_terms, n_columns); `idf`: (n_terms,), just for tfidf."""

    def __init__(self, block: Ngrams, terms: Sequence[str], weights: Array, idf: Array | None) -> None:
        self._row_of = {term: row for row, term in enumerate(terms)}
        self._idf = idf
        self._sublinear = block.sublinear
        self.weights = weights

    def _found(self, rows: Iterable[int], chunks: Sequence[Chunk] = ()) -> Found:
        counted = Counter(rows)
        size = len(counted)
        different = np.fromiter(counted.keys(), np.intp, size)
        counts = np.fromiter(counted.values(), np.float64, size)
        values = 1 + np.log(counts) if self._sublinear else counts
        if self._idf is not None and size:
            values = values * self._idf[different]
            values /= np.sqrt(values @ values)
        return Found(different, values, counts, chunks)


class WordMatrix(NgramMatrix):
    def __init__(self, block: WordFeatures, terms: Sequence[str], weights: Array, idf: Array | None) -> None:
        super().__init__(block, terms, weights, idf)
        self._block = block
        self._terms = terms

    def find(self, reading: Reading) -> Found:
        row_of = self._row_of
        return self._found([row_of[term] for term in word_terms(reading, self._block) if term in row_of])

    def attribute(self, found: Found, parts: Array) -> Iterator[Part]:
        for row, part in zip(found.rows.tolist(), parts.tolist(), strict=True):
            yield from shared(self._terms[row].replace(NEGATED, "").split(" "), part)


class CharacterMatrix(NgramMatrix):
    """Character n-grams inside whitespace-separated chunks; what is known of the latest chunks is kept."""

    def __init__(self, block: CharacterFeatures, terms: Sequence[str], weights: Array, idf: Array | None) -> None:
        super().__init__(block, terms, weights, idf)
        self._range = block.ngrams
        self._remembered = lru_cache(CHUNKS_REMEMBERED)(self._read)

    def find(self, reading: Reading) -> Found:
        chunks = [*map(self._chunk, reading.cleaned.split())]
        return self._found(chain.from_iterable([chunk.rows for chunk in chunks]), chunks)

    def attribute(self, found: Found, parts: Array) -> Iterator[Part]:
        of_row = dict(zip(found.rows.tolist(), (parts / found.counts).tolist(), strict=True)).__getitem__
        for chunk in found.chunks:
            yield from shared(chunk.words, sum(map(of_row, chunk.rows)))

    def _chunk(self, chunk: str) -> Chunk:
        # Long chunks are rare, and a memory of them could be made to grow without end.
        return self._remembered(chunk) if len(chunk) <= LONGEST_CHUNK_REMEMBERED else self._read(chunk)

    def _read(self, chunk: str) -> Chunk:
        row_of = self._row_of
        known = tuple([row_of[gram] for gram in character_ngrams(chunk, *self._range) if gram in row_of])
        return Chunk(known, words(chunk) or [chunk])


class ValenceMatrix:
    """The lexicons: a word has two rows, one outside a negation and one inside. `weights`: (n_words, 2, n_columns)."""

    def __init__(self, block: ValenceFeatures, terms: Sequence[str], weights: Array) -> None:
        self._block = block
        self._terms = terms
        self._at = {word: at for at, word in enumerate(terms)}
        self.weights = weights.reshape(2 * len(terms), -1)

    def find(self, reading: Reading) -> Found:
        factors: defaultdict[int, float] = defaultdict(float)
        discounts = word_discounts(reading, self._block)
        for word, negated, factor in zip(reading.words, reading.negated, discounts, strict=True):
            if word in self._at:
                factors[2 * self._at[word] + negated] += factor
        values = np.fromiter(factors.values(), np.float64, len(factors))
        return Found(np.fromiter(factors.keys(), np.intp, len(factors)), values, values)

    def attribute(self, found: Found, parts: Array) -> Iterator[Part]:
        yield from zip([self._terms[row // 2] for row in found.rows.tolist()], parts.tolist(), strict=True)


def _blocks(bundle: Bundle) -> list[BlockMatrix]:
    features, arrays, terms = bundle.manifest.features, bundle.arrays, terms_by_block(bundle)
    blocks: list[BlockMatrix] = []
    if features.words:
        weights, idf = arrays["words.weights"], arrays.get("words.idf")
        blocks.append(WordMatrix(features.words, terms["words"], weights, idf))
    if features.characters:
        weights, idf = arrays["characters.weights"], arrays.get("characters.idf")
        blocks.append(CharacterMatrix(features.characters, terms["characters"], weights, idf))
    if features.valence:
        blocks.append(ValenceMatrix(features.valence, terms["valence"], arrays["valence.weights"]))
    return blocks


def _sigmoid(log_odds: Array) -> Array:
    """The logistic function without overflow at either end."""
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1 / (1 + small), small / (1 + small))
