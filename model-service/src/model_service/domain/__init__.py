"""What a model-service knows of its trade: verdicts, prediction ids, feedback, the active model. No I/O."""

from model_service.domain.active_model import (
    ActiveModel,
    AnswerNotEncodable,
    ClassifierFailed,
    Model,
    Refusal,
    model_state,
)
from model_service.domain.caller import Caller, FirstToKnow, Network, Tokens, client_address
from model_service.domain.feedback import (
    Feedback,
    FeedbackNotStored,
    FeedbackStore,
    LabelUnknown,
    NoModel,
    OfAnotherTask,
    PredictionUnknown,
    TooLate,
    judge_feedback,
)
from model_service.domain.models import Models
from model_service.domain.moderation import LABELS as MODERATION_LABELS
from model_service.domain.moderation import moderate
from model_service.domain.observer import Observer
from model_service.domain.prediction_id import Prediction, PredictionIds
from model_service.domain.text_encoding import EncodingUnknown, NotInThatEncoding, canonical, encoding_named, to_utf8
from model_service.domain.verdict import Verdict, classify

__all__ = [
    "MODERATION_LABELS",
    "ActiveModel",
    "AnswerNotEncodable",
    "Caller",
    "ClassifierFailed",
    "EncodingUnknown",
    "Feedback",
    "FeedbackNotStored",
    "FeedbackStore",
    "FirstToKnow",
    "LabelUnknown",
    "Model",
    "Models",
    "Network",
    "NoModel",
    "NotInThatEncoding",
    "Observer",
    "OfAnotherTask",
    "Prediction",
    "PredictionIds",
    "PredictionUnknown",
    "Refusal",
    "Tokens",
    "TooLate",
    "Verdict",
    "canonical",
    "classify",
    "client_address",
    "encoding_named",
    "judge_feedback",
    "model_state",
    "moderate",
    "to_utf8",
]
