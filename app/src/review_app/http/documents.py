"""The API's documents."""

from datetime import datetime

from lib_web.json_body import Body
from pydantic import BaseModel, Field

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


class ReviewDocument(BaseModel):
    id: str
    sentiment: Sentiment = Field(description="The model's verdict")
    probability: float = Field(description="Of that sentiment, 0 to 1")
    coverage: float = Field(description="The share of the text's words that the model knows, 0 to 1")
    explanation: list[TermDocument]
    versions: VersionsDocument
    correction: Sentiment | None = Field(description="The reviewer's word, when it differs")
    created_at: datetime


class ReviewWithTextDocument(ReviewDocument):
    text: str


def review_document(review: Review) -> ReviewDocument:
    return ReviewDocument.model_validate(_members(review))


def review_with_text(review: Review) -> ReviewWithTextDocument:
    return ReviewWithTextDocument.model_validate(_members(review) | {"text": review.text})


def _members(review: Review) -> dict[str, object]:
    verdict, model = review.verdict, review.verdict.model
    return {
        "id": review.id,
        "sentiment": verdict.sentiment,
        "probability": verdict.probability,
        "coverage": verdict.coverage,
        "explanation": [{"term": each.term, "weight": each.weight} for each in verdict.explanation],
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
