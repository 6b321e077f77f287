"""The edge: parse, call the domain, render."""

from model_service.http.authentication import current_caller, read_tokens, require_token
from model_service.http.batches import Scoring
from model_service.http.classify import classify_routes
from model_service.http.feedback import feedback_routes
from model_service.http.inference_protocol import inference_protocol_routes
from model_service.http.model_version import name_model_version
from model_service.http.models import model_routes
from model_service.http.predict import plain_predict, predict_routes
from model_service.http.problem_types import answer_failures, problem, problem_pages
from model_service.http.readiness import ReadinessCheck
from model_service.http.toxicity import toxicity_routes

__all__ = [
    "ReadinessCheck",
    "Scoring",
    "answer_failures",
    "classify_routes",
    "current_caller",
    "feedback_routes",
    "inference_protocol_routes",
    "model_routes",
    "name_model_version",
    "plain_predict",
    "predict_routes",
    "problem",
    "problem_pages",
    "read_tokens",
    "require_token",
    "toxicity_routes",
]
