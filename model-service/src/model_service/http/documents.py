"""The replies as models: for the OpenAPI document only, since a view writes its reply without them."""

from typing import Annotated

from lib_web.documentation import ProblemDocument
from pydantic import BaseModel, Field

__all__ = ["FEEDBACK_EXAMPLE", "VERDICT_EXAMPLE", "BatchDocument", "VerdictDocument"]

Share = Annotated[float, Field(ge=0, le=1)]


class TermDocument(BaseModel):
    """A word of the text and what it added to the log-odds."""

    term: str = Field(description='A cleaned word; "(other)" sums the words left out, "(intercept)" belongs to no word')
    weight: float = Field(description="Part of the log-odds of the model's second label; they sum to it")


class ModelDocument(BaseModel):
    """Which model answered."""

    name: str
    version: str
    sha256: str = Field(description="Of the bundle's manifest, which names the sha256 of every file")


class CachedDocument(BaseModel):
    """There just when the verdict is one that was kept; explanation and coverage are those of the text of then."""

    distance: Share = Field(description="Edits between the two cleaned texts by the longer one's length; 0: the same")


class VerdictDocument(BaseModel):
    """What the model says of one text."""

    id: str = Field(description="Signed; send it with feedback", min_length=56, max_length=56)
    label: str = Field(description="The likeliest label")
    probability: Share = Field(description="That of `label`")
    labels: dict[str, Share] = Field(description="The probability of every label")
    explanation: list[TermDocument] = Field(description="Strongest first")
    coverage: Share = Field(description="Share of the words that the model knows")
    model: ModelDocument
    service_version: str
    cached: CachedDocument | None = None


class BatchDocument(BaseModel):
    """What the model says of each text, in their order."""

    results: list[VerdictDocument | ProblemDocument]


_ID = "AQGfqvMk4AHmF5q2iCgCEb3VH1Y2sRb7C4y0eOQ2mJ8nTtqcY5uLwXzA"
VERDICT_EXAMPLE = {
    "id": _ID,
    "label": "negative",
    "probability": 0.91,
    "labels": {"negative": 0.91, "positive": 0.09},
    "explanation": [
        {"term": "cold", "weight": -1.62},
        {"term": "soup", "weight": -0.81},
        {"term": "(intercept)", "weight": 0.12},
    ],
    "coverage": 0.75,
    "model": {"name": "sentiment", "version": "v1", "sha256": "e6" * 32},
    "service_version": "1.2.0",
}
FEEDBACK_EXAMPLE = {"id": _ID, "label": "positive"}
