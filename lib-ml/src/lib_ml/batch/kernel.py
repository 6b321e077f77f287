"""The compiled path: rows of bytes to sums of weights, without a Python object and without the interpreter's lock.

Reads a text exactly as `lib_ml.text` and `lib_ml.features` do, once for all blocks. Functions are small; the compiler
puts them into one. All of them are in this file: what is kept on disk is compiled again only when this file changes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from lib_ml.batch.alphabet import APOSTROPHE, BLANK, CLAUSE_END, LETTER, MOST_BYTES, NEVER, Bytes, Codes
from lib_ml.batch.tables import (
    BUT,
    COUNTED,
    MIXER,
    NEGATOR,
    SCALED,
    STOP_WORD,
    SUBLINEAR,
    Indices,
    Keys,
    Offsets,
    Table,
    Tables,
    Terms,
)
from lib_ml.bundle import Array

__all__ = ["Workspace", "keys_of_words", "score_rows", "workspace"]

Mask = NDArray[np.bool_]
Integer = Any  # Python's int or numpy's: to the compiler they are one
Function = TypeVar("Function", bound=Callable[..., Any])

_SPACE, _UPPER_A, _UPPER_Z, _ASCII_END, _WORD_BYTES = 32, 65, 90, 128, 8
_N, _APOSTROPHE, _T = (ord(sign) for sign in "n't")
_MIXER, _FOLD, _BYTE, _ALL = np.uint64(MIXER), np.uint64(29), np.uint64(8), np.uint64(2**64 - 1)
# UTF-8: the first bytes of three and of four, how the others begin, and the bits for which fewer bytes suffice.
_THREE, _FOUR, _CONTINUES, _LESS_NEEDS = 0xE0, 0xF0, 0b10, (0, 0, 7, 11, 16)
_LONG = np.uint64(NEVER << 56)
# A chunk's seven first and seven other bytes are exact keys; with its blanks that is 16.
_REMEMBERED_BYTES, _MEMORY_BITS = 16, 12
_MEMORY_SHIFT = np.uint64(64 - _MEMORY_BITS)
_NOWHERE = np.int64(-2)  # other than -1, which tables hold


class Memory(NamedTuple):
    """The latest chunks, one a slot: their bytes (n, 2), how many n-grams of theirs are known, and which (n, most)."""

    chunks: Keys
    found: Indices
    grams: Indices


class Words(NamedTuple):
    """The words of one text: `starts` and `ends` in its row, the clauses ended before, and their `tokens`."""

    starts: Indices
    ends: Indices
    clauses: Indices
    tokens: Indices


class Workspace(NamedTuple):
    """What scoring needs besides: for one thread, made once for many rows. Counts and parts are all 0 between rows."""

    row: Bytes
    words: Words
    counts: Indices
    touched: Indices
    parts: Array
    grams: Indices
    memory: Memory


def workspace(tables: Tables, offsets: Offsets) -> Workspace:
    """For texts from `offsets[n]` to `offsets[n + 1]`."""
    # Two bytes of UTF-8 can become three when cleaned; a word has a byte and one behind it; eight are read at once.
    longest = int(np.diff(offsets).max(initial=0)) * MOST_BYTES // 2 + 16
    terms = max(len(tables.words.folded), len(tables.characters.folded))
    slots = 1 << _MEMORY_BITS if tables.characters.how else 0
    sizes = tables.characters.high - tables.characters.low + 1
    return Workspace(
        row=np.empty(longest, dtype=np.uint8),
        words=Words(*(np.empty(longest // 2 + 1, dtype=np.int32) for _ in Words._fields)),
        counts=np.zeros(terms, dtype=np.int32),
        touched=np.empty(terms, dtype=np.int32),
        parts=np.zeros(tables.words.folded.shape[1] - 1),
        grams=np.empty(longest * sizes, dtype=np.int32),
        memory=Memory(
            chunks=np.zeros((slots, 2), dtype=np.uint64),
            found=np.zeros(slots, dtype=np.int32),
            grams=np.empty((slots, _REMEMBERED_BYTES * sizes), dtype=np.int32),
        ),
    )


def _compiled(function: Function) -> Function:
    """Compiled at its first call, and kept on disk where that can be written to; nowhere else is it a failure.

    Counting who refers to an array, and calls that hand over all tables, would take four times as long as the work.
    """
    how: Any = {"nogil": True, "error_model": "numpy", "forceinline": True, "_nrt": False}
    try:
        compiled: Function = numba.njit(cache=True, **how)(function)
    except RuntimeError:
        compiled = numba.njit(**how)(function)
    return compiled


@_compiled
def keys_of_words(letters: Bytes, starts: Offsets, keys: Keys) -> None:
    """Fills in the key of each word `letters[starts[n]:starts[n + 1]]`; eight more bytes must follow the last."""
    for number in range(len(keys)):
        keys[number] = _word_key(letters, starts[number], starts[number + 1])


@_compiled
def _eight_bytes(letters: Bytes, at: Integer) -> np.uint64:
    """The compiler makes one load of it."""
    first, eight = np.uint64(at), np.uint64(0)
    for place in range(_WORD_BYTES):
        eight |= np.uint64(letters[first + np.uint64(place)]) << np.uint64(8 * place)
    return eight


@_compiled
def _word_key(letters: Bytes, start: Integer, end: Integer) -> np.uint64:
    """The word itself when it has at most eight bytes, else a hash of it behind a byte that no word holds."""
    key = _eight_bytes(letters, start)
    if end - start <= _WORD_BYTES:
        return key & (_ALL >> np.uint64(8 * (_WORD_BYTES - (end - start))))
    for at in range(start + _WORD_BYTES, end):
        key = (key ^ np.uint64(letters[at])) * _MIXER
        key ^= key >> _FOLD
    return key | _LONG


@_compiled
def _number(table: Table, key: np.uint64) -> Integer:
    """What the table has under `key`."""
    slot = (key * _MIXER) >> np.uint64(table.shift)
    while table.slots[slot, 0] != 0:
        if table.slots[slot, 0] == key:
            return np.int64(table.slots[slot, 1]) - 2
        slot = (slot + np.uint64(1)) & np.uint64(len(table.slots) - 1)
    return _NOWHERE


@_compiled
def _word_number(tables: Tables, row: Bytes, start: Integer, end: Integer) -> Integer:
    """The number of the word `row[start:end]`; below 0 for one that the model does not know."""
    number = _number(tables.numbers, _word_key(row, start, end))
    if number >= 0 and end - start > _WORD_BYTES:
        first = tables.starts[number]
        if tables.starts[number + 1] - first != end - start:
            return _NOWHERE
        for at in range(end - start):
            if tables.letters[first + at] != row[start + at]:
                return _NOWHERE
    return number


@_compiled
def _cleaned(codes: Codes, texts: Bytes, start: Integer, end: Integer, row: Bytes) -> Integer:
    """Writes a text into `row[1:]`, cleaned; returns its bytes there, or -1 when the one-text path must read it."""
    highest = np.uint8(0)
    text, lowered = texts[start:end], row[1:]
    for at in range(len(text)):  # as plain as this, it becomes one of vectors
        byte = text[at]
        highest |= byte
        lowered[at] = byte | np.uint8(_SPACE) if _UPPER_A <= byte <= _UPPER_Z else byte
    if highest < _ASCII_END:
        return end - start
    return _transcribed(codes, texts, start, end, row)


@_compiled
def _transcribed(codes: Codes, texts: Bytes, start: Integer, end: Integer, row: Bytes) -> Integer:
    length, at = 0, start
    while at < end:
        byte = texts[at]
        if byte < _ASCII_END:
            length += 1
            row[length] = byte | np.uint8(_SPACE) if _UPPER_A <= byte <= _UPPER_Z else byte
            at += 1
            continue
        size = 2 if byte < _THREE else 3 if byte < _FOUR else 4
        code = _code_point(texts, at, size) if at + size <= end else -1
        cleaned = codes[code] if 0 <= code < len(codes) else np.uint32(0)
        if cleaned == 0:
            return -1
        while cleaned:
            length += 1
            row[length] = cleaned & np.uint32(0xFF)
            cleaned >>= np.uint32(8)
        at += size
    return length


@_compiled
def _code_point(texts: Bytes, at: Integer, size: int) -> Integer:
    """Of `size` bytes of UTF-8; -1 where they are none."""
    code = np.int64(texts[at]) & (0x7F >> size)
    for place in range(1, size):
        byte = np.int64(texts[at + place])
        if byte >> 6 != _CONTINUES:
            return -1
        code = code << 6 | byte & 0x3F
    # A code point must not take more bytes than it needs.
    return code if code >> _LESS_NEEDS[size] else -1


@_compiled
def _find_words(kinds: Bytes, row: Bytes, length: Integer, words: Words) -> Integer:
    """Where the words of `row[1:length + 1]` stand, and how many clauses ended before each. Returns how many.

    Without a branch, for no branch in a text can be predicted: a place is written down again until it was one.
    """
    starts, ends, clauses, inside = np.uint64(0), np.uint64(0), np.int32(0), np.uint64(0)
    kind, following = np.uint8(0), kinds[row[1]]
    for at in range(1, length + 2):
        before, kind, following = kind, following, kinds[row[at + 1]]
        joins = (kind & np.uint8(APOSTROPHE)) >> np.uint8(1) & before & following
        letter = np.uint64((kind | joins) & np.uint8(LETTER))
        words.starts[starts] = at
        words.clauses[starts] = clauses
        words.ends[ends] = at
        starts += letter & ~inside
        ends += inside & ~letter
        clauses += np.int32((kind & np.uint8(CLAUSE_END)) >> np.uint8(2))
        inside = letter
    return np.int64(ends)


@_compiled
def _negates(tables: Tables, number: Integer, row: Bytes, start: Integer, end: Integer) -> bool:
    if number >= 0:
        return bool(tables.traits[number] & NEGATOR)
    if end - start <= len("n't"):
        return False
    return bool(row[end - 3] == _N and row[end - 2] == _APOSTROPHE and row[end - 1] == _T)


@_compiled
def _tokens(tables: Tables, row: Bytes, words: Words, found: Integer) -> None:
    """Twice each word's number, plus 1 where it is negated; -1 for unknown ones."""
    left, clause = 0, 0
    for at in range(found):
        start, end = words.starts[at], words.ends[at]
        number = _word_number(tables, row, start, end)
        if tables.negation_reach == 0:
            words.tokens[at] = 2 * number if number >= 0 else -1
            continue
        if words.clauses[at] != clause:
            left, clause = 0, words.clauses[at]
        words.tokens[at] = 2 * number + (left > 0) if number >= 0 else -1
        if _negates(tables, number, row, start, end):
            left = tables.negation_reach
        elif left:
            left -= 1


@_compiled
def _meet(terms: Terms, term: int, touched: Integer, work: Workspace, sums: Array) -> Integer:
    """One occurrence of a term: added at once where it simply counts, else counted. Returns how many were counted."""
    if terms.how == COUNTED:
        for column in range(len(sums)):
            sums[column] += terms.folded[term, column]
        return touched
    if work.counts[term] == 0:
        work.touched[touched] = term
        touched += 1
    work.counts[term] += 1
    return touched


@_compiled
def _settle(terms: Terms, touched: Integer, work: Workspace, sums: Array) -> None:
    """Adds what the counted terms give, and forgets the counts."""
    parts, columns, squares = work.parts, len(sums), 0.0
    sublinear = terms.how & SUBLINEAR
    for at in range(touched):
        term = work.touched[at]
        frequency = float(work.counts[term])
        work.counts[term] = 0
        if sublinear:
            frequency = 1 + np.log(frequency)
        for column in range(columns):
            parts[column] += terms.folded[term, column] * frequency
        squares += terms.folded[term, columns] * frequency * frequency
    length = np.sqrt(squares) if terms.how & SCALED and squares else 1.0
    for column in range(columns):
        sums[column] += parts[column] / length
        parts[column] = 0.0


@_compiled
def _add_plain_words(tables: Tables, found: Integer, tokens: Indices, sums: Array) -> None:
    """The commonest case: single words that simply count."""
    folded = tables.words.folded
    for column in range(len(sums)):
        total = 0.0
        for at in range(found):
            term = tables.singles[tokens[at], 1] if tokens[at] >= 0 else -1
            if term >= 0:
                total += folded[term, column]
        sums[column] += total


@_compiled
def _add_words(tables: Tables, found: Integer, work: Workspace, sums: Array) -> None:
    tokens, terms = work.words.tokens, tables.words
    touched = 0
    for first in range(found):
        if tokens[first] < 0:
            continue
        state, term = tables.singles[tokens[first], 0], tables.singles[tokens[first], 1]
        if term >= 0:
            touched = _meet(terms, term, touched, work, sums)
        for at in range(first + 1, min(first + terms.high, found)):
            if state < 0 or tokens[at] < 0:
                break
            state = _number(tables.runs, np.uint64(state) << np.uint64(32) | np.uint64(tokens[at]))
            if state >= 0 and tables.state_terms[state] >= 0:
                touched = _meet(terms, tables.state_terms[state], touched, work, sums)
    if touched:
        _settle(terms, touched, work, sums)


@_compiled
def _counted_tokens(tables: Tables, found: Integer, tokens: Indices) -> Integer:
    """The tokens as the words block counts them: without stop words, negated ones apart only where it says so."""
    kept = 0
    for at in range(found):
        token = tokens[at]
        if token >= 0:
            if tables.leave_out and tables.traits[token >> 1] & STOP_WORD:
                continue
            if not tables.tag_negation:
                token &= ~1
        tokens[kept] = token
        kept += 1
    return kept


@_compiled
def _add_valence(tables: Tables, found: Integer, tokens: Indices, sums: Array) -> None:
    last_but = 0
    for at in range(found):
        if tokens[at] >= 0 and tables.traits[tokens[at] >> 1] & BUT:
            last_but = at
    for at in range(found):
        valence_row = tables.valence_rows[tokens[at] >> 1] if tokens[at] >= 0 else -1
        if valence_row >= 0:
            factor = tables.before_but if at < last_but else 1.0
            for column in range(len(sums)):
                sums[column] += tables.valence[valence_row, tokens[at] & 1, column] * factor


@_compiled
def _grams_of(tables: Tables, row: Bytes, start: Integer, end: Integer, grams: Indices) -> Integer:
    """Writes down the rows of the n-grams of `row[start:end]`, a chunk with its blanks; returns how many there are."""
    terms = tables.characters
    low, found = min(terms.low, end - start), 0
    for first in range(start, end if terms.low <= end - start else start + 1):
        key = np.uint64(1)
        for at in range(first, min(first + terms.high, end)):
            key = key << _BYTE | np.uint64(row[at])
            gram = _number(tables.grams, key)
            if gram == _NOWHERE:
                break
            if gram >= 0 and at + 1 - first >= low:
                grams[found] = gram
                found += 1
    return found


@_compiled
def _met_chunk(  # noqa: PLR0917 - compiled functions have no keyword-only parameters
    tables: Tables, start: Integer, end: Integer, touched: Integer, work: Workspace, sums: Array
) -> Integer:
    """The n-grams of the chunk `row[start:end]`, from memory where it was the latest in its slot."""
    row, memory = work.row, work.memory
    if end - start > _REMEMBERED_BYTES:
        for at in range(_grams_of(tables, row, start, end, work.grams)):
            touched = _meet(tables.characters, work.grams[at], touched, work, sums)
        return touched
    first = last = np.uint64(1)
    for at in range(start + 1, min(start + _WORD_BYTES, end - 1)):
        first = first << _BYTE | np.uint64(row[at])
    for at in range(start + _WORD_BYTES, end - 1):
        last = last << _BYTE | np.uint64(row[at])
    slot = ((first ^ (last << _BYTE)) * _MIXER) >> _MEMORY_SHIFT
    if memory.chunks[slot, 0] != first or memory.chunks[slot, 1] != last:
        memory.chunks[slot, 0], memory.chunks[slot, 1] = first, last
        memory.found[slot] = _grams_of(tables, row, start, end, memory.grams[slot])
    for at in range(memory.found[slot]):
        touched = _meet(tables.characters, memory.grams[slot, at], touched, work, sums)
    return touched


@_compiled
def _add_characters(tables: Tables, length: Integer, work: Workspace, sums: Array) -> None:
    kinds, row = tables.kinds, work.row
    touched, at = 0, 1
    while at <= length:
        if kinds[row[at]] & BLANK:
            at += 1
            continue
        start = at
        while not kinds[row[at]] & BLANK:
            at += 1
        row[start - 1] = row[at] = _SPACE
        touched = _met_chunk(tables, start - 1, at + 1, touched, work, sums)
    if touched:
        _settle(tables.characters, touched, work, sums)


@_compiled
def score_rows(  # noqa: PLR0917 - see above
    tables: Tables, texts: Bytes, offsets: Offsets, work: Workspace, sums: Array, left: Mask
) -> None:
    """Adds to each row of `sums` (n_rows, columns) what text `texts[offsets[n]:offsets[n + 1]]` brings.

    Sets `left` (n_rows,) for the texts that it can't read, and leaves their sums alone.
    """
    row, words = work.row, work.words
    for number in range(len(sums)):
        row[0] = _SPACE
        length = _cleaned(tables.codes, texts, offsets[number], offsets[number + 1], row)
        if length < 0:
            left[number] = True
            continue
        row[length + 1] = row[length + 2] = _SPACE
        found = _find_words(tables.kinds, row, length, words)
        _tokens(tables, row, words, found)
        if len(tables.valence):
            _add_valence(tables, found, words.tokens, sums[number])
        if tables.leave_out or (tables.negation_reach and not tables.tag_negation):
            found = _counted_tokens(tables, found, words.tokens)
        if tables.words.how == COUNTED and tables.words.high == 1:
            _add_plain_words(tables, found, words.tokens, sums[number])
        elif tables.words.how:
            _add_words(tables, found, work, sums[number])
        if tables.characters.how:
            _add_characters(tables, length, work, sums[number])
