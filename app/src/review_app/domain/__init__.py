"""What the app is about, without HTTP, disk or network."""

from review_app.domain import (
    breaker,
    cohort,
    coverage,
    cross_origin,
    desk,
    experiment,
    feedback,
    highlighting,
    model_release,
    moderation,
    review,
    store,
    verdict,
)

__all__ = [
    "breaker",
    "cohort",
    "coverage",
    "cross_origin",
    "desk",
    "experiment",
    "feedback",
    "highlighting",
    "model_release",
    "moderation",
    "review",
    "store",
    "verdict",
]
