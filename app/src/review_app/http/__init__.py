"""Pages and API: parse, call, render."""

from review_app.http import (
    about,
    api,
    assets,
    documents,
    edge,
    experiment_metrics,
    forms,
    moderation,
    moderators,
    people,
    refusals,
    rendering,
    reviews,
    visitors,
)

__all__ = [
    "about",
    "api",
    "assets",
    "documents",
    "edge",
    "experiment_metrics",
    "forms",
    "moderation",
    "moderators",
    "people",
    "refusals",
    "rendering",
    "reviews",
    "visitors",
]
