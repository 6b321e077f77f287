"""The replies as models: for the OpenAPI document only, since a view writes its reply without them."""

from typing import Annotated

from lib_web.documentation import ProblemDocument
from pydantic import BaseModel, Field

__all__ = [
    "FEEDBACK_EXAMPLE",
    "INFERRED_EXAMPLE",
    "INFER_EXAMPLE",
    "VERDICT_EXAMPLE",
    "BatchDocument",
    "CachedDocument",
    "InferredDocument",
    "ModelMetadataDocument",
    "ModelReadyDocument",
    "ServerLiveDocument",
    "ServerMetadataDocument",
    "ServerReadyDocument",
    "VerdictDocument",
]

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
    explanation: list[TermDocument] = Field([], description="Strongest first; absent when `explain` is false")
    coverage: Share = Field(description="Share of the words that the model knows")
    model: ModelDocument
    service_version: str
    cached: CachedDocument | None = None


class BatchDocument(BaseModel):
    """What the model says of each text, in their order."""

    results: list[VerdictDocument | ProblemDocument]


class ServerMetadataDocument(BaseModel):
    """What serves."""

    name: str
    version: str
    extensions: list[str]


class ServerLiveDocument(BaseModel):
    """The process is alive."""

    live: bool


class ServerReadyDocument(BaseModel):
    """The primary model answers."""

    ready: bool


class ModelReadyDocument(BaseModel):
    """A model answers."""

    name: str
    ready: bool


class TensorMetadataDocument(BaseModel):
    """What a tensor must be; -1: any number."""

    name: str
    datatype: str
    shape: list[int]


class ModelParametersDocument(BaseModel):
    """What else a client may want to know of a model."""

    labels: list[str] = Field(description="The class names, in the order of the probabilities")
    sha256: str


class ModelMetadataDocument(BaseModel):
    """A model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadataDocument]
    outputs: list[TensorMetadataDocument]
    parameters: ModelParametersDocument


class OutputDocument(TensorMetadataDocument):
    """An output."""

    data: list[str | float] = Field([], description="Row by row; absent when it follows as bytes")
    parameters: dict[str, int] = Field({}, description="binary_data_size, when it follows as bytes")


class InferredDocument(BaseModel):
    """The likeliest label of each text, and the probability of every label."""

    model_name: str
    model_version: str
    id: str = Field("", description="That of the request, if it had one")
    outputs: list[OutputDocument]


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
INFER_EXAMPLE = {
    "id": "a1",
    "inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["The soup was cold."]}],
}
INFERRED_EXAMPLE = {
    "model_name": "sentiment",
    "model_version": "v1",
    "id": "a1",
    "outputs": [
        {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["negative"]},
        {"name": "probabilities", "datatype": "FP64", "shape": [1, 2], "data": [0.91, 0.09]},
    ],
}
