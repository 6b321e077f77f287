"""The edge: parse, call the domain, render."""

from model_service.http.feedback import feedback_routes
from model_service.http.model_version import name_model_version
from model_service.http.predict import predict_routes
from model_service.http.readiness import ReadinessCheck

__all__ = ["ReadinessCheck", "feedback_routes", "name_model_version", "predict_routes"]
