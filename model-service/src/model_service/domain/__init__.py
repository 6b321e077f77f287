"""What a model-service knows of its trade: verdicts, prediction ids, feedback, the active model. No I/O."""

from model_service.domain.active_model import ActiveModel, Model, Refusal
from model_service.domain.feedback import (
    Feedback,
    FeedbackNotStored,
    FeedbackStore,
    LabelUnknown,
    NoModel,
    PredictionUnknown,
    judge_feedback,
)
from model_service.domain.observer import Observer
from model_service.domain.prediction_id import Prediction, PredictionIds
from model_service.domain.verdict import Verdict, classify

__all__ = [
    "ActiveModel",
    "Feedback",
    "FeedbackNotStored",
    "FeedbackStore",
    "LabelUnknown",
    "Model",
    "NoModel",
    "Observer",
    "Prediction",
    "PredictionIds",
    "PredictionUnknown",
    "Refusal",
    "Verdict",
    "classify",
    "judge_feedback",
]
