"""From a text to a verdict."""

from typing import TypedDict

from model_service.domain.active_model import Model
from model_service.domain.prediction_id import PredictionIds

__all__ = ["Verdict", "classify"]


class TermWeight(TypedDict):
    """A word and its part of the log-odds."""

    term: str
    weight: float


class Verdict(TypedDict):
    """What /predict answers, but for the service's version."""

    id: str
    label: str
    probability: float
    labels: dict[str, float]
    explanation: list[TermWeight]
    coverage: float
    model: dict[str, str]


def classify(text: str, model: Model, ids: PredictionIds, now_s: float) -> Verdict:
    """`model`'s verdict on `text`; `now_s`: seconds since 1970."""
    label, probability, labels, explanation, coverage = model.scorer.explain(text)
    return {
        "id": ids.issue(model.id_bytes, model.label_index[label], now_s),
        "label": label,
        "probability": probability,
        "labels": labels,
        "explanation": [{"term": term, "weight": weight} for term, weight in explanation],
        "coverage": coverage,
        "model": model.card,
    }
