"""A model's signs as single bytes, so that the compiled path can read nearly any text.

ASCII stands for itself. Of the upper half, two bytes stand for all signs that the model has never seen, and the others
for signs of its vocabulary. `codes` cleans and encodes in one look: it knows the signs whose cleaning does not depend
on their neighbours, and says of the others that the one-text path must read them.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lib_ml.features import is_clause_end
from lib_ml.text import clean

Bytes = NDArray[np.uint8]
Codes = NDArray[np.uint32]

LETTER, APOSTROPHE, CLAUSE_END, BLANK = 1, 2, 4, 8
UNKNOWN_LETTER, UNKNOWN_SIGN, FIRST_OWN, NEVER = 128, 129, 130, 255
# Scripts whose signs are never composed with the one before, unless that is a combining mark, which is left out:
# Latin to Arabic, punctuation and symbols, variation selectors, emoji.
FIRST_SCRIPTS, SYMBOLS, SELECTORS, EMOJI = (
    range(0x80, 0x780),
    range(0x2000, 0x2C00),
    range(0xFE00, 0xFE10),
    range(0x1F000, 0x1FC00),
)
MOST_BYTES = 3  # of one sign, cleaned
_ALWAYS = "—–"  # they end a clause, whether the vocabulary has them or not
_BY_CONTEXT = "\u0130\u03a3"  # lower case of the first has two signs, of the second depends on where it stands


class Alphabet:
    """`kinds[byte]`: LETTER, APOSTROPHE, CLAUSE_END and BLANK as bits.

    `codes[code point]`: the bytes of the cleaned sign, lowest first and ended by 0; 0 for a sign of another script, one
    that its neighbours change, or one of the vocabulary that found no byte.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        own, crowded_out = _signs_of(vocabulary)
        self._byte_of = {sign: FIRST_OWN + at for at, sign in enumerate(own)}
        self._byte_of |= {chr(code): code for code in range(UNKNOWN_LETTER)}
        self.kinds: Bytes = np.zeros(NEVER + 1, dtype=np.uint8)
        for sign, byte in self._byte_of.items():
            self.kinds[byte] = _kind(sign)
        self.kinds[UNKNOWN_LETTER] = LETTER
        self._in_words = bytes(byte for byte, kind in enumerate(self.kinds) if kind & (LETTER | APOSTROPHE))
        self.codes: Codes = np.zeros(EMOJI.stop, dtype=np.uint32)
        for code, cleaned in _cleaned_alone():
            if crowded_out.isdisjoint(cleaned):
                self.codes[code] = int.from_bytes(bytes(map(self._byte, cleaned)), "little")

    def encode_term(self, term: str) -> bytes | None:
        """A byte for each sign; None for a term with a sign that no text in this alphabet holds."""
        try:
            return bytes([self._byte_of[sign] for sign in term])
        except KeyError:
            return None

    def is_word(self, encoded: bytes) -> bool:
        """Whether a text can hold this as a word: nothing but letters and apostrophes."""
        return bool(encoded) and not encoded.translate(None, self._in_words)

    def _byte(self, sign: str) -> int:
        known = self._byte_of.get(sign)
        if known is not None:
            return known
        kind = _kind(sign)
        return ord(" ") if kind & BLANK else UNKNOWN_LETTER if kind & LETTER else UNKNOWN_SIGN


@cache
def _cleaned_alone() -> tuple[tuple[int, str], ...]:
    """The code points whose cleaning is the same wherever they stand, with what becomes of them."""
    return tuple(_find_cleaned_alone())


def _find_cleaned_alone() -> Iterator[tuple[int, str]]:
    for code in (*FIRST_SCRIPTS, *SYMBOLS, *SELECTORS, *EMOJI):
        sign = chr(code)
        cleaned = clean(sign)
        marks = unicodedata.combining(sign) or any(map(unicodedata.combining, cleaned))
        if not marks and sign not in _BY_CONTEXT and 0 < len(cleaned) <= MOST_BYTES:
            yield code, cleaned


def _kind(sign: str) -> int:
    kind = APOSTROPHE if sign == "'" else LETTER if sign.isalnum() or sign == "_" else 0
    return kind | (CLAUSE_END if is_clause_end(sign) else 0) | (BLANK if sign.isspace() else 0)


def _signs_of(vocabulary: Iterable[str]) -> tuple[list[str], set[str]]:
    """The signs outside ASCII that get a byte, and those of the vocabulary that don't: the rarest."""
    seen: Counter[str] = Counter()
    for term in vocabulary:
        if not term.isascii():
            seen.update(sign for sign in term if not (sign.isascii() or sign.isspace() or sign in _ALWAYS))
    ranked = [sign for sign, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0]))]
    room = NEVER - FIRST_OWN - len(_ALWAYS)
    return [*_ALWAYS, *ranked[:room]], set(ranked[room:])
