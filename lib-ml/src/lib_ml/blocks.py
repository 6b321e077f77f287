"""The compiled blocks of a model with one column of weights: what each adds to the log-odds, and from which word.

Each block folds its part of the trained pipeline into dictionaries: term -> weight. `add` is the hot path; `attribute`
gives the same sum word by word. A block that counts n-grams splits each n-gram's part evenly among its words.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain, repeat
from math import log, sqrt
from operator import attrgetter
from typing import NamedTuple, Protocol

from lib_ml.features import NEGATED, character_ngrams
from lib_ml.manifest import Ngrams, ValenceFeatures, WordFeatures
from lib_ml.reading import Reading, word_discounts, word_terms
from lib_ml.text import words

Part = tuple[str, float]

_NOTHING = (0.0, 0.0)
CHUNKS_REMEMBERED, LONGEST_CHUNK_REMEMBERED = 16_384, 24  # at most some 10 MB a model


class Block(Protocol):
    """One block of features, folded."""

    def add(self, reading: Reading) -> float:
        """What the block adds to the log-odds of the text."""
        ...

    def attribute(self, reading: Reading) -> dict[str, float]:
        """The same sum in parts: what each word adds, with all that it does in the text."""
        ...


class Counts:
    """Terms that simply count: a term's weight, times how often it stands in the text."""

    def __init__(self, terms: Sequence[str], weights: Sequence[float]) -> None:
        self._weight_of = dict(zip(terms, weights, strict=True)).get

    def total(self, terms: Iterable[str]) -> float:
        return sum(map(self._weight_of, terms, repeat(0.0)))

    def parts(self, groups: Sequence[Sequence[str]]) -> list[float]:
        """The total again, in parts: what each group of a text's terms adds to it."""
        return [sum(map(self._weight_of, group, repeat(0.0))) for group in groups]

    def by_term(self, terms: Sequence[str]) -> dict[str, float]:
        """The total in parts once more: what each term adds to it."""
        parts: dict[str, float] = {}
        weight_of, so_far = self._weight_of, parts.get
        for term in terms:
            weight = weight_of(term)
            if weight:
                parts[term] = so_far(term, 0.0) + weight
        return parts


class SublinearCounts:
    """Terms that count 1 + ln(how often they stand in the text)."""

    def __init__(self, terms: Sequence[str], weights: Sequence[float]) -> None:
        self._weights = dict(zip(terms, weights, strict=True))

    def total(self, terms: Iterable[str]) -> float:
        weights = self._weights
        return sum(weights[term] * (1 + log(count)) for term, count in Counter(terms).items() if term in weights)

    def parts(self, groups: Sequence[Sequence[str]]) -> list[float]:
        counts, weights = Counter(chain.from_iterable(groups)), self._weights
        share = {term: weights.get(term, 0.0) * (1 + log(count)) / count for term, count in counts.items()}
        return [sum([share[term] for term in group]) for group in groups]

    def by_term(self, terms: Sequence[str]) -> dict[str, float]:
        return summed(zip(terms, self.parts([(term,) for term in terms]), strict=True))


class Tfidf:
    """Terms weighted by TF-IDF, the whole block scaled to unit length (sklearn's norm="l2")."""

    def __init__(
        self, terms: Sequence[str], weights: Sequence[float], idf: Sequence[float], *, sublinear: bool
    ) -> None:
        folded = ((inverse * weight, inverse * inverse) for weight, inverse in zip(weights, idf, strict=True))
        self._folded = dict(zip(terms, folded, strict=True))
        self._sublinear = sublinear

    def total(self, terms: Iterable[str]) -> float:
        inner, squares = self._sums(Counter(terms))
        return inner / sqrt(squares) if squares else 0.0

    def parts(self, groups: Sequence[Sequence[str]]) -> list[float]:
        counts, folded_of = Counter(chain.from_iterable(groups)), self._folded.get
        length = sqrt(self._sums(counts)[1]) or 1.0
        if self._sublinear:
            share = {term: self._frequency(count) / count for term, count in counts.items()}
            each = [[(folded_of(term) or _NOTHING)[0] * share[term] for term in group] for group in groups]
            return [sum(group) / length for group in each]
        # Every occurrence of a term weighs the same, so there is no need to look at how often it stands there.
        return [sum([folded[0] for term in group if (folded := folded_of(term))]) / length for group in groups]

    def by_term(self, terms: Sequence[str]) -> dict[str, float]:
        return summed(zip(terms, self.parts([(term,) for term in terms]), strict=True))

    def _sums(self, counts: Counter[str]) -> tuple[float, float]:
        """Of the block's unscaled vector: its inner product with the weights, and its squared length."""
        folded_of, inner, squares = self._folded.get, 0.0, 0.0
        for term, count in counts.items():
            folded = folded_of(term)
            if folded is None:
                continue
            if count == 1:
                inner += folded[0]
                squares += folded[1]
            else:
                frequency = self._frequency(count)
                inner += folded[0] * frequency
                squares += folded[1] * frequency * frequency
        return inner, squares

    def _frequency(self, count: int) -> float:
        return 1 + log(count) if self._sublinear else count


Weighting = Counts | SublinearCounts | Tfidf


def weighting(block: Ngrams, terms: Sequence[str], weights: Sequence[float], idf: Sequence[float] | None) -> Weighting:
    """The weighting that `block` asks for; `idf` is there just when it is tfidf."""
    if idf is not None:
        return Tfidf(terms, weights, idf, sublinear=block.sublinear)
    return SublinearCounts(terms, weights) if block.sublinear else Counts(terms, weights)


class Words:
    """Word n-grams. `plain`: single words as they stand, the commonest case."""

    def __init__(self, block: WordFeatures, weights: Weighting) -> None:
        self.plain = block.ngrams == (1, 1) and not (block.tag_negation or block.stop_words)
        self.weights = weights
        by_block = partial(word_terms, block=block)
        self._terms_of: Callable[[Reading], list[str]] = attrgetter("words") if self.plain else by_block

    def add(self, reading: Reading) -> float:
        return self.weights.total(self._terms_of(reading))

    def attribute(self, reading: Reading) -> dict[str, float]:
        parts = self.weights.by_term(self._terms_of(reading))
        if self.plain:
            return parts
        among = [shared(term.replace(NEGATED, "").split(" "), part) for term, part in parts.items() if part]
        return summed(chain.from_iterable(among))


class Chunk(NamedTuple):
    """A whitespace-free piece of a text: its n-grams that the model knows, and the words that these speak for."""

    terms: tuple[str, ...]
    words: list[str]


class Characters:
    """Character n-grams inside whitespace-separated chunks.

    Few chunks make up most of what people write, so what is known of the latest ones is kept.
    """

    def __init__(self, low: int, high: int, terms: Iterable[str], weights: Weighting) -> None:
        self._range = low, high
        self._weights = weights
        self._vocabulary = {term: term for term in terms}
        self._remembered = lru_cache(CHUNKS_REMEMBERED)(self._read)

    def add(self, reading: Reading) -> float:
        chunks = map(self._chunk, reading.cleaned.split())
        return self._weights.total(chain.from_iterable([chunk.terms for chunk in chunks]))

    def attribute(self, reading: Reading) -> dict[str, float]:
        chunks = [*map(self._chunk, reading.cleaned.split())]
        parts = zip(chunks, self._weights.parts([chunk.terms for chunk in chunks]), strict=True)
        return summed(chain.from_iterable([shared(chunk.words, part) for chunk, part in parts]))

    def _chunk(self, chunk: str) -> Chunk:
        # Long chunks are rare, and a memory of them could be made to grow without end.
        return self._remembered(chunk) if len(chunk) <= LONGEST_CHUNK_REMEMBERED else self._read(chunk)

    def _read(self, chunk: str) -> Chunk:
        vocabulary = self._vocabulary
        # The vocabulary's own strings, whose hashes are known, rather than equal slices of the chunk.
        known = tuple([vocabulary[gram] for gram in character_ngrams(chunk, *self._range) if gram in vocabulary])
        # A smiley or a row of exclamation marks holds no word: it speaks for itself.
        return Chunk(known, words(chunk) or [chunk])


class Valence:
    """Sentiment lexicons: for each word, its weight outside a negation and its weight inside one."""

    def __init__(self, block: ValenceFeatures, terms: Sequence[str], weights: Sequence[tuple[float, float]]) -> None:
        self._block = block
        self._weights = dict(zip(terms, weights, strict=True))

    def add(self, reading: Reading) -> float:
        return sum([part for _, part in self._parts(reading)])

    def attribute(self, reading: Reading) -> dict[str, float]:
        return summed(self._parts(reading))

    def _parts(self, reading: Reading) -> Iterator[Part]:
        weights, factors = self._weights, word_discounts(reading, self._block)
        for word, negated, factor in zip(reading.words, reading.negated, factors, strict=True):
            if word in weights:
                yield word, weights[word][negated] * factor


def shared(among: list[str], part: float) -> Iterable[Part]:
    """The part, split evenly among the words."""
    if len(among) == 1:
        return ((among[0], part),)
    share = part / len(among)
    return [(word, share) for word in among]


def summed(parts: Iterable[Part]) -> dict[str, float]:
    """What each word has got in all its parts."""
    sums: defaultdict[str, float] = defaultdict(float)
    for word, part in parts:
        sums[word] += part
    return sums
