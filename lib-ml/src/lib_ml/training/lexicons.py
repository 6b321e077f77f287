"""Sentiment lexicons, read from the packages that publish them: word -> valence. Used at training time only.

Only single words count, as `lib_ml.text` sees words; a phrase or a smiley of a lexicon is left out.
"""

import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

from lib_ml.text import clean, words

# TextBlob's polarity runs from -1 to 1, VADER's and AFINN's valence from about -4 to 4.
TEXTBLOB_SCALE = 3.0


@cache
def lexicon(name: str) -> Mapping[str, float]:
    """The lexicon called `name`: word -> valence, positive for praise, never 0."""
    single = ((clean(word), valence) for word, valence in LEXICONS[name]().items())
    return MappingProxyType({word: valence for word, valence in single if valence and words(word) == [word]})


def _vader() -> dict[str, float]:
    """VADER (Hutto and Gilbert 2014): mean of ten ratings from -4 to 4."""
    lines = _file_of("vaderSentiment", "vader_lexicon.txt").read_text(encoding="utf-8").splitlines()
    return {fields[0]: float(fields[1]) for fields in (line.split("\t") for line in lines) if len(fields) > 1}


def _afinn() -> dict[str, float]:
    """AFINN-165 (Nielsen 2011): one rating from -5 to 5."""
    lines = _file_of("afinn", "AFINN-en-165.txt").read_text(encoding="utf-8").splitlines()
    return {word: float(valence) for word, valence in (line.split("\t") for line in lines)}


def _textblob() -> dict[str, float]:
    """TextBlob's (pattern's) adjectives: the mean polarity over a word's senses."""
    senses: defaultdict[str, list[float]] = defaultdict(list)
    tree = ET.parse(_file_of("textblob", "en-sentiment.xml"))  # noqa: S314 - a file of a locked package
    for sense in tree.getroot():
        senses[sense.attrib["form"].lower()].append(float(sense.attrib["polarity"]))
    return {word: TEXTBLOB_SCALE * fmean(polarities) for word, polarities in senses.items()}


LEXICONS: Mapping[str, Callable[[], dict[str, float]]] = MappingProxyType(
    {"vader": _vader, "afinn": _afinn, "textblob": _textblob}
)


def _file_of(package: str, name: str) -> Path:
    """A data file of an installed package, found without importing it (TextBlob's import takes a second)."""
    for file in distribution(package).files or ():
        if file.name == name:
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{package} is installed without its {name}")
