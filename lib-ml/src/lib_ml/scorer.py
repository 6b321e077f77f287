"""The compiled scorer: a verified bundle folded into dictionaries, equal to the trained pipeline to 1e-12.

One column of weights is summed in plain Python: numpy's cost a call is larger than the whole sum. Several labels and
networks go through `matrix`, which finds a text's terms once for all columns. sklearn is not needed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from lib_ml.blocks import Block, Characters, Valence, Words, summed, weighting
from lib_ml.bundle import Array, Bundle, terms_by_block
from lib_ml.features import NEGATED, stop_words
from lib_ml.manifest import Manifest
from lib_ml.matrix import MatrixScorer
from lib_ml.reading import Reading, read
from lib_ml.text import clean, words

GOLDEN_TOLERANCE = 1e-12
INTERCEPT, OTHER = "(intercept)", "(other)"


class GoldenMismatch(Exception):
    """The model does not give a golden text its known probability; the message carries no text."""


class Term(NamedTuple):
    """A word and its part of the log-odds; a positive weight speaks for the label that is explained."""

    term: str
    weight: float


class Judged(NamedTuple):
    """A verdict without its reasons."""

    label: str
    probability: float
    labels: dict[str, float]
    coverage: float


class Explained(NamedTuple):
    """A verdict with its reasons. The weights of `explanation` sum to the log-odds of the explained label."""

    label: str
    probability: float
    labels: dict[str, float]
    explanation: tuple[Term, ...]
    coverage: float


class Reasons(NamedTuple):
    """What the log-odds of one label consist of: what the model says without any word, and what each word adds."""

    intercept: float
    parts: Mapping[str, float]

    @property
    def log_odds(self) -> float:
        return self.intercept + sum(self.parts.values())

    def opposite(self) -> "Reasons":
        """The reasons of the other one of two labels."""
        return Reasons(-self.intercept, {word: -part for word, part in self.parts.items()})

    def strongest(self, limit: int) -> tuple[Term, ...]:
        # Sorted as they are, tuples need no call each. No two words are the same, so their parts decide nothing.
        weighed = sorted([(-abs(part), word, part) for word, part in self.parts.items() if part])
        terms = [*map(_term, map(itemgetter(1, 2), weighed[:limit]))]
        if len(weighed) > limit:
            terms.append(Term(OTHER, math.fsum([part for _, _, part in weighed[limit:]])))
        return (*terms, Term(INTERCEPT, self.intercept))


# A fifth of what calling Term costs, and a verdict has dozens.
_term: Callable[[tuple[str, float]], Term] = partial(tuple.__new__, Term)


class Scorer:
    """A model that answers; its answers never change, so threads may share it."""

    def __init__(self, bundle: Bundle) -> None:
        self.manifest: Manifest = bundle.manifest
        self.sha256 = bundle.sha256
        self.labels = bundle.manifest.labels
        self._binary = bundle.manifest.outputs == "binary"
        self._reach = bundle.manifest.features.negation_reach
        # One column of weights is summed by dictionaries, several by a matrix.
        single = self._binary and not bundle.manifest.hidden
        self._column = _column(bundle) if single else None
        self._matrix = None if single else MatrixScorer(bundle)
        self._plain = _plain_total(self._column)
        self._known = _known_words(bundle)
        counted = bundle.manifest.features.words
        self._uncounted = stop_words() if counted and counted.stop_words else frozenset()

    def probabilities(self, text: str) -> tuple[float, ...]:
        """The probability of each label, in the order of `labels`."""
        if self._plain is None:
            return self._probabilities(read(text, self._reach))
        intercept, total = self._plain
        positive = sigmoid(intercept + total(words(clean(text))))
        return 1 - positive, positive

    def probabilities_of_many(self, texts: Sequence[str]) -> Array:
        """The same for many texts, shape (n_texts, n_labels). Memory grows with their number: pass thousands."""
        # One after the other: nearly all the time goes into finding the terms.
        return np.array([self.probabilities(text) for text in texts]).reshape(len(texts), len(self.labels))

    def judge(self, text: str) -> Judged:
        """The verdict on a text."""
        if self._plain is None:
            reading = read(text, self._reach)
            found, probabilities = reading.words, self._probabilities(reading)
        else:
            intercept, total = self._plain
            found = words(clean(text))
            positive = sigmoid(intercept + total(found))
            probabilities = 1 - positive, positive
        probability, label = max(zip(probabilities, self.labels, strict=True))
        labels = dict(zip(self.labels, probabilities, strict=True))
        return Judged(label, probability, labels, self._coverage(found))

    def explain(self, text: str, *, limit: int = 30, of: str | None = None) -> Explained:
        """The verdict on a text, and the at most `limit` words that weigh most for or against the label `of`.

        `of` is labels[1] for a binary model unless told; for several labels it is the likeliest one. Words come
        strongest first; the rest is summed in "(other)", and "(intercept)" is what the model says without any word: of
        an empty text, unless it has hidden units (see `matrix.Output`).
        """
        reading = read(text, self._reach)
        probabilities, reasons = self._reasoned(reading, of)
        probability, label = max(zip(probabilities, self.labels, strict=True))
        labels = dict(zip(self.labels, probabilities, strict=True))
        return Explained(label, probability, labels, reasons.strongest(limit), self._coverage(reading.words))

    def coverage(self, text: str) -> float:
        """The share of the text's words that the vocabulary or a lexicon knows, 0 to 1; 0 for a text without words."""
        return self._coverage(read(text, self._reach).words)

    def knows(self, word: str) -> bool:
        """Whether the vocabulary or a lexicon has the cleaned word."""
        return word in self._known

    def weight(self, word: str) -> float:
        """The most that one `word` can add to or take from the log-odds of any label, whatever else the text holds.

        Of a word that no negator reaches, without the pairs that it is part of; unit length only makes it less.
        """
        reading = read(word, self._reach)
        if self._matrix is not None:
            return self._matrix.weight(reading)
        assert self._column is not None  # noqa: S101
        return sum(abs(block.add(reading)) for block in self._column[1])

    def check_golden(self) -> None:
        """Raises GoldenMismatch unless every golden text gets its known probabilities, scored and explained."""
        for number, golden in enumerate(self.manifest.golden):
            worst = self.difference(golden.text, golden.probabilities)
            if not worst <= GOLDEN_TOLERANCE:
                raise GoldenMismatch(f"golden text {number} is off by {worst:.3g}, more than {GOLDEN_TOLERANCE:g}")

    def difference(self, text: str, expected: Sequence[float]) -> float:
        """How far any probability of `text` is from the `expected` ones, whichever way the model is asked."""
        ways = self.probabilities(text), self.explain(text).labels.values()
        return max(abs(a - b) for found in ways for a, b in zip(found, expected, strict=True))

    def _probabilities(self, reading: Reading) -> tuple[float, ...]:
        if self._matrix is not None:
            return self._by_label(self._matrix.log_odds(reading))
        assert self._column is not None  # noqa: S101 - one of the two is there
        return self._by_label([_log_odds(self._column, reading)])

    def _reasoned(self, reading: Reading, of: str | None) -> tuple[tuple[float, ...], "Reasons"]:
        """The probability of each label, and the reasons for the label `of` or the one explained by default."""
        asked = self.labels.index(of) if of else None
        if self._matrix is not None:
            output = 0 if self._binary else asked
            log_odds, explained, attribution = self._matrix.reasoned(reading, output)
            reasons = Reasons(*attribution)
        else:
            assert self._column is not None  # noqa: S101
            reasons, explained = _reasons(self._column, reading), 0
            log_odds = [0.0]
        # The reasons sum to the log-odds: what is explained is what is answered.
        log_odds[explained] = reasons.log_odds
        return self._by_label(log_odds), reasons.opposite() if self._binary and asked == 0 else reasons

    def _by_label(self, log_odds: list[float]) -> tuple[float, ...]:
        if self._binary:
            positive = sigmoid(log_odds[0])
            return 1 - positive, positive
        return tuple([sigmoid(one) for one in log_odds])

    def _coverage(self, found: list[str]) -> float:
        if self._uncounted:
            found = [word for word in found if word not in self._uncounted]
        return sum(map(self._known.__contains__, found)) / len(found) if found else 0.0


Column = tuple[float, tuple[Block, ...]]


def sigmoid(log_odds: float) -> float:
    """The logistic function without overflow at either end."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    small = math.exp(log_odds)
    return small / (1 + small)


def _log_odds(column: Column, reading: Reading) -> float:
    log_odds, blocks = column
    for block in blocks:
        log_odds += block.add(reading)
    return log_odds


def _reasons(column: Column, reading: Reading) -> Reasons:
    intercept, blocks = column
    parts = [block.attribute(reading) for block in blocks]
    if len(parts) == 1:
        return Reasons(intercept, parts[0])
    return Reasons(intercept, summed(chain.from_iterable([each.items() for each in parts])))


def _column(bundle: Bundle) -> Column:
    """The intercept and the folded blocks of the one column of weights."""
    features, arrays, terms = bundle.manifest.features, bundle.arrays, terms_by_block(bundle)
    blocks: list[Block] = []
    if features.words:
        weights = arrays["words.weights"][:, 0].tolist()
        folded = weighting(features.words, terms["words"], weights, _listed(arrays.get("words.idf")))
        blocks.append(Words(features.words, folded))
    if features.characters:
        weights = arrays["characters.weights"][:, 0].tolist()
        folded = weighting(features.characters, terms["characters"], weights, _listed(arrays.get("characters.idf")))
        blocks.append(Characters(*features.characters.ngrams, terms["characters"], folded))
    if features.valence:
        pairs = [(outside, inside) for outside, inside in arrays["valence.weights"][:, :, 0].tolist()]
        blocks.append(Valence(features.valence, terms["valence"], pairs))
    return float(arrays["intercept"][0]), tuple(blocks)


def _plain_total(column: Column | None) -> tuple[float, Callable[[list[str]], float]] | None:
    """The intercept and the sum over a text's words, where that is all a model does: the classic is a third quicker."""
    if column is None:
        return None
    intercept, blocks = column
    if len(blocks) == 1 and isinstance(blocks[0], Words) and blocks[0].plain:
        return intercept, blocks[0].weights.total
    return None


def _listed(array: Array | None) -> list[float] | None:
    return None if array is None else array.tolist()


def _known_words(bundle: Bundle) -> frozenset[str]:
    """Words the model has met: single words of its vocabulary, negated or not, and its lexicons' words."""
    terms = terms_by_block(bundle)
    met = (term.removeprefix(NEGATED) for term in terms["words"] if " " not in term)
    return frozenset(met) | frozenset(terms["valence"])
