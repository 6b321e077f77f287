"""Pages and API for reviewers: write a review, read the verdict, correct it."""

from review_app import domain
from review_app.settings import Settings

__all__ = ["Settings", "domain"]
