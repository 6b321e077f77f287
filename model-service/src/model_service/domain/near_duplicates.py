"""Which texts may share one verdict: nearly the same letters, and the same of every word of weight.

Two cleaned texts are near-duplicates when their edit distance is small, and

- negators and the words they negate, numbers, "but", smileys and other signs are the same, in the same order;
- so are the words that, as the model knows, can move a log-odds by more than LIGHT each;
- the words that only one of them has can move no log-odds of the model by more than LIGHT, all together;
- the verdict's lead over the nearest border exceeds that, what the rest of the text may be scaled by, and MARGIN.

The index has one bucket for each sequence of such weighty words, so a look-up measures the distance to a handful of
texts however many are kept, and makes the costly checks for fewer still.
"""

import re
from collections import Counter, OrderedDict
from functools import lru_cache
from math import inf
from threading import Lock
from typing import NamedTuple

from lib_ml.features import NEGATED, NEGATORS, negation
from lib_ml.scorer import Scorer
from lib_ml.text import words
from rapidfuzz.distance import Levenshtein

__all__ = ["LIGHT", "Guard", "LookUp", "NearDuplicates", "Standing"]

# Log-odds. Half a unit moves a probability by less than .125.
LIGHT = 0.5
# For what a word's own weight does not tell: pairs of words that come apart, letters of a word that a comma touches.
MARGIN = 1.0
# Texts are scaled to unit length: a change of their letters by a tenth changes each part of the log-odds by up to four.
_SCALED = 4
# Texts in one bucket at most; the older ones are then found word for word only.
CANDIDATES = 64
_REACH = 3  # words after a negator that count as negated, even for a model that does not look
_UNKNOWN_REMEMBERED = 4_096
_NUMBERS = frozenset(
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion half double
    twice once dozen first second third""".split()
)
_NEVER_LIGHT = NEGATORS | _NUMBERS | {"but"}  # a later "but" takes back what was said before
_signs = re.compile(r"[^\w\s.,'\"-]+").findall  # smileys among them


class _Weights(dict[str, float]):
    """Word -> what it can weigh in the log-odds, for all that the model knows, each weighed when it is first met.

    An unknown word weighs 0 here: its letters may weigh, but what strangers may invent is not remembered.
    """

    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self._scorer = scorer

    def __missing__(self, word: str) -> float:
        if _never_light(word):
            return inf
        if not self._scorer.knows(word):
            return 0.0
        weight = self[word] = self._scorer.weight(word)
        return weight


class Guard:
    """Knows which words of a text a model's verdict hangs on."""

    def __init__(self, scorer: Scorer) -> None:
        self._known = _Weights(scorer)
        self._weight = lru_cache(_UNKNOWN_REMEMBERED)(scorer.weight)
        self._reach = max(_REACH, scorer.manifest.features.negation_reach)

    def key(self, cleaned: str) -> str:
        """The text's weighty words, as far as the model knows them."""
        known = self._known
        return " ".join([word for word in words(cleaned) if known[word] > LIGHT])

    def interchangeable(self, cleaned: str, other: str, distance: float, standing: "Standing") -> bool:
        """Whether the verdict of the `other` text, which stands so, is good for this one, too."""
        allowed = min(LIGHT, standing.lead - _SCALED * distance * standing.furthest - MARGIN)
        if allowed < 0 or self._said(cleaned) != self._said(other):
            return False
        return self._difference(cleaned, other) <= allowed

    def _said(self, cleaned: str) -> tuple[list[str], list[str]]:
        """Whatever must be the same even where the model gives it no weight."""
        pairs = zip(*negation(cleaned, self._reach), strict=True)
        said = [NEGATED + word if inside else word for word, inside in pairs if inside or _never_light(word)]
        return said, _signs(cleaned)

    def _difference(self, cleaned: str, other: str) -> float:
        """What the words that only one of the two texts has can weigh, all together."""
        ours, theirs = Counter(words(cleaned)), Counter(words(other))
        differing = (ours - theirs) + (theirs - ours)
        return sum((self._known[word] or self._weight(word)) * count for word, count in differing.items())


def _never_light(word: str) -> bool:
    return word in _NEVER_LIGHT or not word.isalpha()


class Standing(NamedTuple):
    """Of a verdict, in log-odds: how far it is from the nearest border, and the furthest label from even odds."""

    lead: float
    furthest: float


class LookUp(NamedTuple):
    """What is known of a text: the value kept of it or of its nearest near-duplicate, and how far that one is."""

    key: str
    value: bytes | None = None
    distance: float = 0.0


# What is kept of a text: value, key, lead, furthest. A plain tuple of these: nothing for the garbage collector.
Entry = tuple[bytes, str, float, float]


class NearDuplicates:
    """A bounded memory from texts to values; the text that was not asked for longest is forgotten first.

    Threads may share it. Texts are cleaned ones: that is all a model sees.
    """

    def __init__(self, guard: Guard, *, entries: int, max_distance: float) -> None:
        """`max_distance`: edits (insertions, deletions, replacements) by the longer text's length; 0: exact only."""
        self._guard = guard
        self._entries = entries
        self._max_distance = max_distance
        self._kept: OrderedDict[str, Entry] = OrderedDict()
        self._alike: dict[str, tuple[str, ...]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def look_up(self, cleaned: str) -> LookUp:
        entry = self._touched(cleaned)
        if entry:
            return LookUp(entry[1], entry[0])
        key = self._guard.key(cleaned) if self._max_distance else ""
        return self._nearest(cleaned, key) or LookUp(key)

    def keep(self, cleaned: str, key: str, value: bytes, standing: Standing) -> None:
        """`key`: that of the look-up which found nothing; empty, the model knows too little to compare the text."""
        with self._lock:
            if cleaned in self._kept:
                return
            self._kept[cleaned] = value, key, *standing
            if key:
                self._alike[key] = (cleaned, *self._alike.get(key, ())[: CANDIDATES - 1])
            if len(self._kept) > self._entries:
                self._forget_oldest()

    def _nearest(self, cleaned: str, key: str) -> LookUp | None:
        limit, near = self._max_distance, []
        for text in self._alike.get(key, ()):
            distance = Levenshtein.normalized_distance(cleaned, text, score_cutoff=limit)
            if distance <= limit:
                near.append((distance, text))
        for distance, text in sorted(near):
            entry = self._kept.get(text)
            if entry and self._guard.interchangeable(cleaned, text, distance, Standing(*entry[2:])):
                self._touched(text)
                return LookUp(key, entry[0], distance)
        return None

    def _touched(self, cleaned: str) -> Entry | None:
        with self._lock:
            entry = self._kept.get(cleaned)
            if entry:
                self._kept.move_to_end(cleaned)
            return entry

    def _forget_oldest(self) -> None:
        forgotten, (_, key, *_) = self._kept.popitem(last=False)
        alike = tuple(text for text in self._alike.get(key, ()) if text != forgotten)
        if alike:
            self._alike[key] = alike
        else:
            self._alike.pop(key, None)
