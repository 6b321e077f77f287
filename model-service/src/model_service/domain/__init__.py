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
from model_service.domain.models import Models
from model_service.domain.moderation import LABELS as MODERATION_LABELS
from model_service.domain.observer import Observer
from model_service.domain.prediction_id import Prediction, PredictionIds
from model_service.domain.verdict import Verdict, classify

__all__ = [
    "MODERATION_LABELS",
    "ActiveModel",
    "Feedback",
    "FeedbackNotStored",
    "FeedbackStore",
    "LabelUnknown",
    "Model",
    "Models",
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
