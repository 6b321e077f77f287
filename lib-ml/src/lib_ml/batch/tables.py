"""A bundle as open-addressing tables that compiled code can walk: numbers in arrays, no Python objects.

No look-up can take one term for another. A word of at most eight bytes is its own key; a longer one's key begins with
a byte that no text holds, and its bytes are compared. A run of words is found from word to word by exact keys. A
character n-gram of at most seven bytes is its own key.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib_ml.batch.alphabet import Alphabet, Bytes, Codes
from lib_ml.bundle import Array, Bundle, terms_by_block
from lib_ml.features import NEGATED, NEGATORS, stop_words
from lib_ml.manifest import Features, Ngrams, WordFeatures

Keys = NDArray[np.uint64]
Indices = NDArray[np.int32]
Offsets = NDArray[np.int64]

LONGEST_GRAM = 7  # characters: eight bytes with the one that marks the beginning
NEGATOR, STOP_WORD, BUT = 1, 2, 4
COUNTED, SUBLINEAR, SCALED = 1, 2, 4
MIXER = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio (Knuth's multiplicative hashing)


class NotCompiled(Exception):
    """A model that the compiled path can't score; the message says why."""


class Table(NamedTuple):
    """Keys to numbers of at least -1, at most half full: `slots` (n_slots, 2) have a key and its number plus 2.

    Key 0 marks an empty slot; `shift` brings a mixed key to its home slot.
    """

    slots: Keys
    shift: int


class Terms(NamedTuple):
    """One block's weights: `folded` (n_terms, columns + 1), whose last column is the squared inverse frequency.

    `how`: COUNTED unless the block is absent, SUBLINEAR, SCALED to unit length.
    """

    folded: Array
    low: int
    high: int
    how: int


class Tables(NamedTuple):
    """All of a model but its intercept and what comes after its sums.

    Words have numbers, found by their keys. `letters[starts[n]:starts[n + 1]]`: the bytes of word n. `traits`: its
    NEGATOR, STOP_WORD and BUT bits. `valence_rows`: its row of `valence` (n, 2, columns) or -1.
    A state is a run of words that some term begins with. `singles[2 * n + negated]`: the state that a word begins, and
    the row of the term that it is, or -1. `runs` leads on from state << 32 | (2 * n + negated). `state_terms`: the row
    of the term that a state is, or -1. `grams`: every beginning of a character n-gram, with its row or -1.
    """

    codes: Codes
    kinds: Bytes
    numbers: Table
    letters: Bytes
    starts: Offsets
    traits: Bytes
    valence_rows: Indices
    valence: Array
    singles: Indices
    runs: Table
    state_terms: Indices
    words: Terms
    grams: Table
    characters: Terms
    negation_reach: int
    tag_negation: bool
    leave_out: bool
    before_but: float


def tabulate(bundle: Bundle, alphabet: Alphabet) -> Tables:
    """Raises NotCompiled for character n-grams of more than seven, and for words whose hashes meet."""
    features, terms = bundle.manifest.features, terms_by_block(bundle)
    if features.characters and features.characters.ngrams[1] > LONGEST_GRAM:
        raise NotCompiled(f"its character n-grams are longer than {LONGEST_GRAM}")
    runs = _Runs(features.words, _encoded(terms["words"], alphabet), alphabet)
    valences = _encoded(terms["valence"], alphabet)
    words = [word for word in _numbered(runs.words, valences, features) if alphabet.is_word(word)]
    letters = np.frombuffer(b"".join(words), dtype=np.uint8)
    starts = np.cumsum([0, *map(len, words)], dtype=np.int64)
    singles, followed, state_terms = runs.tabulated(words)
    grams = _grams(features.characters, _encoded(terms["characters"], alphabet))
    valence = features.valence
    return Tables(
        codes=alphabet.codes,
        kinds=alphabet.kinds,
        numbers=open_addressing(_word_keys(letters, starts), np.arange(len(words), dtype=np.int32)),
        letters=letters,
        starts=starts,
        traits=np.array([_traits(word) for word in words], dtype=np.uint8),
        valence_rows=np.array([valences.get(word, -1) for word in words], dtype=np.int32),
        valence=np.ascontiguousarray(bundle.arrays["valence.weights"])
        if valence
        else np.zeros((0, 2, bundle.manifest.columns)),
        singles=singles,
        runs=open_addressing(*followed),
        state_terms=state_terms,
        words=_folded("words", features.words, bundle),
        grams=open_addressing(*grams),
        characters=_folded("characters", features.characters, bundle),
        negation_reach=features.negation_reach,
        tag_negation=bool(features.words and features.words.tag_negation),
        leave_out=bool(features.words and features.words.stop_words),
        before_but=valence.before_but if valence else 1.0,
    )


def open_addressing(keys: Keys, values: Indices) -> Table:
    """A table of different keys, none of them 0, with linear probing. Raises NotCompiled when two keys are equal."""
    if len(np.unique(keys)) != len(keys) or not keys.all():
        raise NotCompiled("two of its words have the same hash")
    bits = max(4, (2 * len(keys)).bit_length())
    table = Table(np.zeros((1 << bits, 2), dtype=np.uint64), 64 - bits)
    homes = (keys * np.uint64(MIXER)) >> np.uint64(table.shift)
    waiting = np.arange(len(keys))
    while len(waiting):
        free = waiting[table.slots[homes[waiting], 0] == 0]
        table.slots[homes[free], 0] = keys[free]
        # Where several came to one slot, the last stayed.
        placed = free[table.slots[homes[free], 0] == keys[free]]
        table.slots[homes[placed], 1] = (values[placed] + 2).astype(np.uint64)
        waiting = np.setdiff1d(waiting, placed, assume_unique=True)
        homes[waiting] = (homes[waiting] + np.uint64(1)) & np.uint64((1 << bits) - 1)
    return table


class _Runs:
    """The terms of the words block, taken apart: which words they consist of, and which run leads to which."""

    def __init__(self, block: WordFeatures | None, rows: Mapping[bytes, int], alphabet: Alphabet) -> None:
        self._steps: dict[tuple[int, bytes, bool], int] = {}
        self._row_of: list[int] = [-1]
        for term, row in rows.items():
            run = [*_tokens(term)]
            if (
                block
                and block.ngrams[0] <= len(run) <= block.ngrams[1]
                and all(alphabet.is_word(word) for word, _ in run)
            ):
                self._row_of[self._state(run)] = row

    @property
    def words(self) -> Iterator[bytes]:
        return (word for _, word, _ in self._steps)

    def _state(self, run: list[tuple[bytes, bool]]) -> int:
        state = 0
        for word, negated in run:
            step = (state, word, negated)
            if step not in self._steps:
                self._steps[step] = len(self._row_of)
                self._row_of.append(-1)
            state = self._steps[step]
        return state

    def tabulated(self, words: list[bytes]) -> tuple[Indices, tuple[Keys, Indices], Indices]:
        """`singles`, the keys and values of `runs`, and `state_terms`, as `Tables` has them."""
        number_of = {word: number for number, word in enumerate(words)}
        singles = np.full((2 * len(words), 2), -1, dtype=np.int32)
        keys, states = [], []
        for (before, word, negated), state in self._steps.items():
            token = 2 * number_of[word] + negated
            if before:
                keys.append(before << 32 | token)
                states.append(state)
            else:
                singles[token] = state, self._row_of[state]
        followed = np.array(keys, dtype=np.uint64), np.array(states, dtype=np.int32)
        return singles, followed, np.array(self._row_of, dtype=np.int32)


def _tokens(term: bytes) -> Iterator[tuple[bytes, bool]]:
    tag = NEGATED.encode()
    for token in term.split(b" "):
        yield token.removeprefix(tag), token.startswith(tag)


def _encoded(terms: Iterable[str], alphabet: Alphabet) -> dict[bytes, int]:
    """The row of each term that a text in this alphabet can hold."""
    encoded = ((alphabet.encode_term(term), row) for row, term in enumerate(terms))
    return {term: row for term, row in encoded if term}


def _numbered(counted: Iterable[bytes], valences: Iterable[bytes], features: Features) -> list[bytes]:
    """Every word that means something to the model, once; a lexicon may know it, and it may do something to others."""
    doing = {b"but"} | ({word.encode() for word in NEGATORS} if features.negation_reach else set())
    if features.words and features.words.stop_words:
        doing |= {word.encode() for word in stop_words() if word.isascii()}
    return list(dict.fromkeys([*counted, *valences, *sorted(doing)]))


def _traits(word: bytes) -> int:
    spelled = word.decode("latin-1")
    negator = spelled in NEGATORS or spelled.endswith("n't")
    return NEGATOR * negator | STOP_WORD * (spelled in stop_words()) | BUT * (spelled == "but")


def _word_keys(letters: Bytes, starts: Offsets) -> Keys:
    from lib_ml.batch.kernel import keys_of_words  # noqa: PLC0415 - only where there is a compiler

    keys = np.empty(len(starts) - 1, dtype=np.uint64)
    keys_of_words(np.append(letters, np.zeros(8, dtype=np.uint8)), starts, keys)
    return keys


def _grams(block: Ngrams | None, rows: Mapping[bytes, int]) -> tuple[Keys, Indices]:
    """The keys of all beginnings of the terms, with the row of those that are a term."""
    row_of: dict[int, int] = {}
    for term, row in rows.items():
        if block and len(term) <= block.ngrams[1]:
            for end in range(1, len(term)):
                row_of.setdefault(int.from_bytes(b"\1" + term[:end]), -1)
            row_of[int.from_bytes(b"\1" + term)] = row
    return np.fromiter(row_of, np.uint64, len(row_of)), np.fromiter(row_of.values(), np.int32, len(row_of))


def _folded(name: str, block: Ngrams | None, bundle: Bundle) -> Terms:
    if block is None:
        return Terms(np.zeros((0, bundle.manifest.columns + 1)), 1, 0, 0)
    weights, inverse = bundle.arrays[f"{name}.weights"], bundle.arrays.get(f"{name}.idf")
    how = COUNTED | SUBLINEAR * block.sublinear | SCALED * (inverse is not None)
    if inverse is None:
        inverse = np.ones(len(weights))
    folded = np.hstack([weights * inverse[:, None], (inverse * inverse)[:, None]])
    return Terms(np.ascontiguousarray(folded), *block.ngrams, how)
