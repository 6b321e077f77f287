"""Feedback: what a reader says the label of one prediction should have been."""

from dataclasses import dataclass
from typing import Protocol

from model_service.domain.active_model import ActiveModel
from model_service.domain.prediction_id import VERDICT, PredictionIds

__all__ = [
    "Feedback",
    "FeedbackNotStored",
    "FeedbackStore",
    "LabelUnknown",
    "NoModel",
    "OfAnotherTask",
    "PredictionUnknown",
    "TooLate",
    "judge_feedback",
]


class PredictionUnknown(Exception):
    """The id is not one that this service, or a replica with its key, gave out."""


class LabelUnknown(Exception):
    """The label is not one of the model's; `labels` are."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        super().__init__("label unknown")
        self.labels = labels


class OfAnotherTask(Exception):
    """The verdict has labels that do not exclude each other: one label can not say what it should have been."""


class TooLate(Exception):
    """The prediction is older than feedback is taken for; both in seconds."""

    def __init__(self, age_s: float, limit_s: float) -> None:
        super().__init__("too late")
        self.age_s = age_s
        self.limit_s = limit_s


class NoModel(Exception):
    """No model is loaded, so nothing can be predicted and no label is known."""


class FeedbackNotStored(Exception):
    """The store did not take it; the message says why in the store's words, without the feedback."""


@dataclass(frozen=True)
class Feedback:
    """The last word on one prediction. `label` None: withdrawn. Times in seconds since 1970."""

    prediction_id: str
    label: str | None
    predicted_label: str
    model: str
    model_version: str
    predicted_at_s: float
    given_at_s: float


class FeedbackStore(Protocol):
    """Where feedback outlives the process."""

    def put(self, feedback: Feedback) -> bool:
        """Make it the last word, durably. False when it was the last word already. Raises FeedbackNotStored."""


def judge_feedback(
    prediction_id: str, label: str | None, ids: PredictionIds, active: ActiveModel, now_s: float, *, longest_s: float
) -> Feedback:
    """The feedback, when the id is ours and not older than `longest_s`, and the label is one of its model's.

    `active`: the slot of the model that /predict answers with.
    Raises PredictionUnknown, OfAnotherTask, TooLate, LabelUnknown, NoModel.
    """
    prediction = ids.read(prediction_id)
    if prediction is None:
        raise PredictionUnknown
    if prediction.kind != VERDICT:
        raise OfAnotherTask
    age_s = now_s - prediction.predicted_at_s
    if age_s > longest_s:
        raise TooLate(age_s, longest_s)
    known = active.labels_of(prediction.model)
    if known is None:
        raise NoModel
    if label is not None and label not in known.labels:
        raise LabelUnknown(known.labels)
    if prediction.label_index >= len(known.labels):
        raise PredictionUnknown
    return Feedback(
        prediction_id=prediction_id,
        label=label,
        predicted_label=known.labels[prediction.label_index],
        model=prediction.model,
        model_version=known.version,
        predicted_at_s=prediction.predicted_at_s,
        given_at_s=now_s,
    )
