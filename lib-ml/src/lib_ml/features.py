"""From a cleaned text to its features: the definitions that training and the compiled scorer share.

Pure Python without dependencies. `training.pipeline` hands these functions to sklearn's vectorisers; `scorer` calls
them directly, so both read a text alike.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import pairwise

# A tag no word can hold, so that a reviewer's own "not_good" is never taken for a tagged "good".
NEGATED = "not:"
NEGATORS = frozenset(
    """not no never none nobody nothing neither nor nowhere cannot hardly barely scarcely without lack lacks lacking
    aint arent cant couldnt didnt doesnt dont hadnt hasnt havent isnt shouldnt wasnt werent wont wouldnt""".split()
)
_CLAUSE_ENDS = frozenset(".,!?;:()—–\n")
_find_words_and_ends = re.compile(r"\w+(?:'\w+)*|[.,!?;:()—–\n]").findall


def is_clause_end(sign: str) -> bool:
    """Whether the sign ends a negator's reach."""
    return sign in _CLAUSE_ENDS


@cache
def stop_words() -> frozenset[str]:
    """Words that carry grammar rather than opinion; this project's own list, negators deliberately not on it."""
    listed = files("lib_ml").joinpath("stop_words.txt").read_text(encoding="utf-8")
    return frozenset(line for line in listed.splitlines() if line and not line.startswith("#"))


def negation(cleaned: str, reach: int) -> tuple[list[str], list[bool]]:
    """The words of a cleaned text, and for each whether a negator stands at most `reach` words before it.

    Punctuation ends a negator's reach; a contraction with n't is a negator.
    """
    found, negated, left = [], [], 0
    for token in _find_words_and_ends(cleaned):
        if token in _CLAUSE_ENDS:
            left = 0
            continue
        found.append(token)
        negated.append(left > 0)
        if token in NEGATORS or token.endswith("n't"):
            left = reach
        elif left:
            left -= 1
    return found, negated


def tagged(found: Iterable[str], negated: Iterable[bool]) -> list[str]:
    """Each word, with the tag in front where it is negated."""
    return [NEGATED + word if inside else word for word, inside in zip(found, negated, strict=True)]


def word_ngrams(tokens: list[str], low: int, high: int) -> list[str]:
    """Every run of `low` to `high` neighbouring tokens, joined by a blank, as sklearn's word analyser does."""
    if high == 1:
        return tokens
    grams = tokens[:] if low == 1 else []
    if low <= 2:  # noqa: PLR2004 - pairs, by far the commonest, have a quicker way
        grams += [f"{first} {second}" for first, second in pairwise(tokens)]
    for length in range(max(low, 3), high + 1):
        grams += [" ".join(tokens[at : at + length]) for at in range(len(tokens) - length + 1)]
    return grams


def character_ngrams(chunk: str, low: int, high: int) -> list[str]:
    """The character n-grams of one whitespace-free chunk padded with a blank on both sides (sklearn's char_wb).

    A chunk shorter than the n-gram is counted once, whole, and longer n-grams are left out.
    """
    padded = f" {chunk} "
    length = len(padded)
    grams: list[str] = []
    for size in range(low, high + 1):
        if size >= length:
            grams.append(padded)
            break
        grams += [padded[at : at + size] for at in range(length - size + 1)]
    return grams


def discounts(found: list[str], before_but: float) -> list[float]:
    """How much each word's valence counts: `before_but` for words that a later "but" takes back, else 1."""
    if "but" not in found:
        return [1.0] * len(found)
    last = len(found) - 1 - found[::-1].index("but")
    return [before_but] * last + [1.0] * (len(found) - last)
