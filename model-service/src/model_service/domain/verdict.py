"""From a text to a verdict."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NotRequired, Protocol, TypedDict

from model_service.domain.active_model import Model

__all__ = ["Cached", "Classify", "Tally", "TermWeight", "Verdict", "classify"]


class TermWeight(TypedDict):
    """A word and its part of the log-odds."""

    term: str
    weight: float


class Cached(TypedDict):
    """The verdict is that of a text seen before: edits between the two by the longer one's length; 0: the same text."""

    distance: float


class Verdict(TypedDict):
    """What a model says of a text; a route adds the prediction's id and the service's version."""

    label: str
    probability: float
    labels: dict[str, float]
    explanation: NotRequired[list[TermWeight]]
    coverage: float
    model: dict[str, str]
    cached: NotRequired[Cached]


@dataclass
class Tally:
    """What a batch by one model comes to, to be observed at once; nothing of the texts."""

    model_version: str
    labels: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    coverages: list[float] = field(default_factory=list)

    def add(self, verdict: Verdict, seconds: float) -> None:
        """`seconds`: what it took to classify."""
        self.labels[verdict["label"]] += 1
        self.seconds.append(seconds)
        self.coverages.append(verdict["coverage"])


class Classify(Protocol):
    """What the routes are given, be it plain, cached or shadowed."""

    def __call__(self, text: str, model: Model, *, explain: bool = True) -> Verdict: ...


def classify(text: str, model: Model, *, explain: bool = True) -> Verdict:
    """`model`'s verdict on `text`, with its explanation or without. Raises ClassifierFailed, AnswerNotEncodable."""
    if not explain:
        label, probability, labels, coverage = model.judge(text)
        return {
            "label": label,
            "probability": probability,
            "labels": labels,
            "coverage": coverage,
            "model": model.card,
        }
    label, probability, labels, explanation, coverage = model.explain(text)
    return {
        "label": label,
        "probability": probability,
        "labels": labels,
        "explanation": [{"term": term, "weight": weight} for term, weight in explanation],
        "coverage": coverage,
        "model": model.card,
    }
