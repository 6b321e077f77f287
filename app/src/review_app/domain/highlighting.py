"""Which words of a text drove the verdict, as runs of text that a page can mark."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from lib_ml.text import spans

from review_app.domain.verdict import NOT_WORDS, Sentiment, Term

STRONGEST = 3
# A word with less than this share of the strongest word's weight moved the verdict too little to be marked.
FAINTEST_SHARE = 0.15


@dataclass(frozen=True)
class Run:
    """A piece of the text as typed. `strength` is 1..3 when it speaks for `sentiment`, 0 when it is plain."""

    text: str
    sentiment: Sentiment | None = None
    strength: int = 0


def highlight(text: str, explanation: Iterable[Term]) -> list[Run]:
    """The whole text cut into runs; joined again they give the text back, sign by sign."""
    weights = word_weights(text, explanation)
    heaviest = max((abs(weight) for weight in weights.values()), default=0.0)
    return list(_merged(_runs(text, weights, heaviest)))


def word_weights(text: str, explanation: Iterable[Term]) -> dict[str, float]:
    """The weight of each word that the text has and the explanation names, in the text's order."""
    by_term = {term.term: term.weight for term in explanation if term.term not in NOT_WORDS}
    return {word: by_term[word] for _, _, word in spans(text) if word in by_term}


def driving_words(text: str, explanation: Iterable[Term], sentiment: Sentiment) -> list[str]:
    """The marked words that speak for `sentiment`, strongest first: the page's answer to those who see no colours."""
    weights = word_weights(text, explanation)
    heaviest = max((abs(weight) for weight in weights.values()), default=0.0)
    speaking = [word for word, weight in weights.items() if _speaks_for(weight, heaviest) == sentiment]
    return sorted(speaking, key=lambda word: -abs(weights[word]))


def _runs(text: str, weights: dict[str, float], heaviest: float) -> Iterator[Run]:
    position = 0
    for start, end, word in spans(text):
        yield Run(text[position:start])
        yield _run(text[start:end], weights.get(word, 0.0), heaviest)
        position = end
    yield Run(text[position:])


def _run(text: str, weight: float, heaviest: float) -> Run:
    sentiment = _speaks_for(weight, heaviest)
    if sentiment is None:
        return Run(text)
    return Run(text, sentiment, min(STRONGEST, ceil(STRONGEST * (abs(weight) / heaviest))))


def _speaks_for(weight: float, heaviest: float) -> Sentiment | None:
    if weight == 0.0 or abs(weight) < FAINTEST_SHARE * heaviest:
        return None
    return Sentiment.POSITIVE if weight > 0 else Sentiment.NEGATIVE


def _merged(runs: Iterable[Run]) -> Iterator[Run]:
    """Plain neighbours become one run; empty ones vanish."""
    plain = ""
    for run in runs:
        if run.sentiment is None:
            plain += run.text
            continue
        if plain:
            yield Run(plain)
        plain = ""
        yield run
    if plain:
        yield Run(plain)
