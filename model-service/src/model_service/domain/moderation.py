"""Moderation: six labels, each with a probability, a threshold and whether the text is flagged for it."""

from typing import TypedDict

from model_service.domain.active_model import Model
from model_service.domain.prediction_id import PredictionIds
from model_service.domain.verdict import TermWeight

__all__ = ["LABELS", "LabelVerdict", "Moderation", "moderate"]

# As the published data set and the toxicity API order them.
LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")


class LabelVerdict(TypedDict):
    """What the model says of one label; flagged from the threshold on."""

    probability: float
    threshold: float
    flagged: bool


class Moderation(TypedDict):
    """A verdict whose labels do not exclude each other. `label` is the likeliest, which `explanation` explains."""

    id: str
    label: str
    probability: float
    flagged: bool
    labels: dict[str, LabelVerdict]
    explanation: list[TermWeight]
    coverage: float
    model: dict[str, str]


def moderate(ids: PredictionIds, text: str, model: Model, now_s: float) -> Moderation:
    """`model`'s break-down of `text`; `now_s`: seconds since 1970. Raises ClassifierFailed, AnswerNotEncodable."""
    label, probability, probabilities, explanation, coverage = model.explain(text)
    labels: dict[str, LabelVerdict] = {
        name: {"probability": each, "threshold": threshold, "flagged": each >= threshold}
        for (name, each), threshold in zip(probabilities.items(), model.thresholds, strict=True)
    }
    return {
        "id": ids.issue(model.id_bytes, model.label_index[label], now_s),
        "label": label,
        "probability": probability,
        "flagged": any(each["flagged"] for each in labels.values()),
        "labels": labels,
        "explanation": [{"term": term, "weight": weight} for term, weight in explanation],
        "coverage": coverage,
        "model": model.card,
    }
