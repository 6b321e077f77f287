"""The API's documents."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from lib_web.json_body import Body
from pydantic import BaseModel, Field

from review_app.domain.moderation import Moderation, Standing
from review_app.domain.review import Review
from review_app.domain.verdict import Sentiment


class CorrectionBody(Body):
    sentiment: Sentiment = Field(description="What the review really is")


class TermDocument(BaseModel):
    term: str
    weight: float = Field(description="Log-odds; above 0 speaks for positive")


class VersionsDocument(BaseModel):
    app: str = Field(description="The release that took the review, v1 or v2")
    app_build: str
    model: str
    model_name: str
    model_sha256: str
    model_service: str


class ModerationLabelDocument(BaseModel):
    probability: float = Field(description="0 to 1")
    threshold: float = Field(description="From this probability on the label is flagged")
    flagged: bool


class ModerationDocument(BaseModel):
    flagged: bool = Field(description="Whether any label is")
    labels: dict[str, ModerationLabelDocument]
    model: str = Field(description="The moderation model's version")
    model_sha256: str


class ReviewDocument(BaseModel):
    id: str
    sentiment: Sentiment = Field(description="The model's verdict")
    probability: float = Field(description="Of that sentiment, 0 to 1")
    coverage: float = Field(description="The share of the text's words that the model knows, 0 to 1")
    explanation: list[TermDocument]
    moderation: ModerationDocument | None = Field(description="null: no moderation model answered")
    standing: Standing = Field(
        description="public: listed for everybody; held: until a moderator has read it; withheld"
    )
    versions: VersionsDocument
    correction: Sentiment | None = Field(description="The reviewer's word, when it differs")
    created_at: datetime


class ReviewWithTextDocument(ReviewDocument):
    text: str


class PublicReviewDocument(BaseModel):
    """What everybody may read. Without its id, which is the right to correct it."""

    text: str
    sentiment: Sentiment = Field(description="The reviewer's word over the model's")
    created_at: datetime


class PublicReviewsDocument(BaseModel):
    reviews: list[PublicReviewDocument] = Field(description="Newest first")


def review_document(review: Review) -> ReviewDocument:
    return ReviewDocument.model_validate(_members(review))


def review_with_text(review: Review) -> ReviewWithTextDocument:
    return ReviewWithTextDocument.model_validate(_members(review) | {"text": review.text})


def public_reviews(reviews: Iterable[Review]) -> PublicReviewsDocument:
    listed = [
        PublicReviewDocument(text=each.text, sentiment=each.sentiment, created_at=each.created_at) for each in reviews
    ]
    return PublicReviewsDocument(reviews=listed)


def _moderation(moderation: Moderation | None) -> dict[str, object] | None:
    if moderation is None:
        return None
    return {
        "flagged": bool(moderation.flagged),
        "labels": {each.label: asdict(each) for each in moderation.labels},
        "model": moderation.model.version,
        "model_sha256": moderation.model.sha256,
    }


def _members(review: Review) -> dict[str, object]:
    verdict, model = review.verdict, review.verdict.model
    return {
        "id": review.id,
        "sentiment": verdict.sentiment,
        "probability": verdict.probability,
        "coverage": verdict.coverage,
        "explanation": [{"term": each.term, "weight": each.weight} for each in verdict.explanation],
        "moderation": _moderation(review.moderation),
        "standing": review.standing,
        "versions": {
            "app": review.release,
            "app_build": review.app_version,
            "model": model.version,
            "model_name": model.name,
            "model_sha256": model.sha256,
            "model_service": verdict.service_version,
        },
        "correction": review.correction,
        "created_at": review.created_at,
    }
