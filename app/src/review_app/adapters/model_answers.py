"""The shapes that a model-service answers in. Whatever does not fit is no answer."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from review_app.domain.model_release import DataSource, Metric, ModelRelease
from review_app.domain.moderation import Moderation, ModerationLabel
from review_app.domain.verdict import ModelIdentity, Sentiment, Term, Verdict

Word = Annotated[str, Field(min_length=1, max_length=200)]
# It goes into a header of every reply.
VersionWord = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}$")]
Probability = Annotated[float, Field(ge=0, le=1)]
MAX_TERMS = 200
MAX_METRICS = 100
MAX_LABELS = 64


class Answer(BaseModel):
    # Unknown members are let through: a newer model-service may say more. What we use is strict, and NaN is no number.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class TermAnswer(Answer):
    term: Annotated[str, Field(max_length=4_000)]
    weight: float


class ModelAnswer(Answer):
    name: Word
    version: VersionWord
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class VerdictAnswer(Answer):
    id: Annotated[str, Field(min_length=1, max_length=2_000)]
    label: Sentiment
    probability: Probability
    explanation: Annotated[list[TermAnswer], Field(max_length=MAX_TERMS)]
    coverage: Probability
    model: ModelAnswer
    service_version: Word

    def as_verdict(self) -> Verdict:
        return Verdict(
            prediction_id=self.id,
            sentiment=self.label,
            probability=self.probability,
            explanation=tuple(Term(term.term, term.weight) for term in self.explanation),
            coverage=self.coverage,
            model=ModelIdentity(self.model.name, self.model.version, self.model.sha256),
            service_version=self.service_version,
        )


class ModerationLabelAnswer(Answer):
    probability: Probability
    threshold: Probability
    flagged: bool


class ModerationAnswer(Answer):
    labels: Annotated[dict[Word, ModerationLabelAnswer], Field(min_length=1, max_length=MAX_LABELS)]
    model: ModelAnswer

    def as_moderation(self) -> Moderation:
        labels = tuple(ModerationLabel(name, **each.model_dump()) for name, each in self.labels.items())
        return Moderation(labels, ModelIdentity(self.model.name, self.model.version, self.model.sha256))


class FeedbackAnswer(Answer):
    id: str
    label: Sentiment | None


class DataAnswer(Answer):
    source: Word
    name: Word
    rows: Annotated[int, Field(ge=0)]
    sha256: Word


class MetricAnswer(Answer):
    value: float
    low: float | None = None
    high: float | None = None


class TrainedModelAnswer(ModelAnswer):
    data: DataAnswer
    metrics: Annotated[dict[Word, MetricAnswer], Field(max_length=MAX_METRICS)]


class VersionAnswer(Answer):
    component: Word
    version: Word
    commit: Word
    built_at: Word
    model: TrainedModelAnswer

    def as_release(self) -> ModelRelease:
        model, data = self.model, self.model.data
        return ModelRelease(
            service_version=self.version,
            service_commit=self.commit,
            service_built_at=self.built_at,
            model=ModelIdentity(model.name, model.version, model.sha256),
            data=DataSource(data.source, data.name, data.rows, data.sha256),
            metrics={name: Metric(each.value, each.low, each.high) for name, each in model.metrics.items()},
        )
