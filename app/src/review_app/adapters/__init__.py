"""Disk and network: the store, the model-service, the deliverer of feedback."""

from review_app.adapters import (
    courier,
    database,
    deadline,
    model_answers,
    model_service,
    stored_experiment,
    stored_outbox,
    stored_reviews,
    tables,
    team_file,
)

__all__ = [
    "courier",
    "database",
    "deadline",
    "model_answers",
    "model_service",
    "stored_experiment",
    "stored_outbox",
    "stored_reviews",
    "tables",
    "team_file",
]
