"""From a text to a verdict."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from model_service.domain.active_model import Model
from model_service.domain.prediction_id import PredictionIds

__all__ = ["Cached", "Classify", "Tally", "TermWeight", "Verdict", "classify"]


class TermWeight(TypedDict):
    """A word and its part of the log-odds."""

    term: str
    weight: float


class Cached(TypedDict):
    """The verdict is that of a text seen before: edits between the two by the longer one's length; 0: the same text."""

    distance: float


class Verdict(TypedDict):
    """What /predict answers, but for the service's version."""

    id: str
    label: str
    probability: float
    labels: dict[str, float]
    explanation: list[TermWeight]
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


# A text, the model, seconds since 1970: what the routes are given, be it plain, cached or shadowed.
Classify = Callable[[str, Model, float], Verdict]


def classify(ids: PredictionIds, text: str, model: Model, now_s: float) -> Verdict:
    """`model`'s verdict on `text`; `now_s`: seconds since 1970. Raises ClassifierFailed, AnswerNotEncodable."""
    label, probability, labels, explanation, coverage = model.explain(text)
    return {
        "id": ids.issue(model.id_bytes, model.label_index[label], now_s),
        "label": label,
        "probability": probability,
        "labels": labels,
        "explanation": [{"term": term, "weight": weight} for term, weight in explanation],
        "coverage": coverage,
        "model": model.card,
    }
