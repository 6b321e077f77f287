"""One text, read once: what every block of a model takes its features from."""

from itertools import repeat
from typing import NamedTuple

from lib_ml.features import discounts, negation, stop_words, tagged, word_ngrams
from lib_ml.manifest import ValenceFeatures, WordFeatures
from lib_ml.text import clean, words


class Reading(NamedTuple):
    """A cleaned text with its words and, for each word, whether it is negated."""

    cleaned: str
    words: list[str]
    negated: list[bool]


def read(text: str, negation_reach: int) -> Reading:
    cleaned = clean(text)
    if negation_reach:
        return Reading(cleaned, *negation(cleaned, negation_reach))
    found = words(cleaned)
    return Reading(cleaned, found, [False] * len(found))


def word_tokens(reading: Reading, block: WordFeatures) -> list[str]:
    """The tokens whose n-grams the words block counts."""
    tokens = tagged(reading.words, reading.negated) if block.tag_negation else reading.words
    if block.stop_words:
        left_out = stop_words()
        return [token for token, word in zip(tokens, reading.words, strict=True) if word not in left_out]
    return tokens


def word_terms(reading: Reading, block: WordFeatures) -> list[str]:
    """Every occurrence of a term in the text, in no particular order."""
    return word_ngrams(word_tokens(reading, block), *block.ngrams)


def word_discounts(reading: Reading, block: ValenceFeatures) -> list[float]:
    """For each word, the factor its valence counts with."""
    if block.before_but == 1:
        return list(repeat(1.0, len(reading.words)))
    return discounts(reading.words, block.before_but)
