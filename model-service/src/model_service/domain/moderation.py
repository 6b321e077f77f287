"""Moderation: six labels, each with a probability, a threshold and whether the text is flagged for it."""

from typing import NotRequired, TypedDict

from model_service.domain.active_model import Model
from model_service.domain.verdict import Cached, TermWeight, Verdict

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

    label: str
    probability: float
    flagged: bool
    labels: dict[str, LabelVerdict]
    explanation: NotRequired[list[TermWeight]]
    coverage: float
    model: dict[str, str]
    cached: NotRequired[Cached]


def moderate(verdict: Verdict, model: Model) -> Moderation:
    """`model`'s verdict, label by label."""
    pairs = zip(verdict["labels"].items(), model.thresholds, strict=True)
    labels: dict[str, LabelVerdict] = {
        name: {"probability": probability, "threshold": threshold, "flagged": probability >= threshold}
        for (name, probability), threshold in pairs
    }
    flagged = any(label["flagged"] for label in labels.values())
    return {**verdict, "labels": labels, "flagged": flagged}
