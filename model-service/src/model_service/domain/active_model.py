"""The model that answers now, behind one reference: swapping is one assignment, so a reader sees one or the other."""

from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from lib_ml.scorer import Explained, Judged, Scorer

from model_service.domain.prediction_id import MODEL_BYTES

__all__ = ["ActiveModel", "AnswerNotEncodable", "ClassifierFailed", "Model", "ModelLabels", "Refusal", "model_state"]

# From which probability on a label is flagged when its model names no threshold of its own.
DEFAULT_THRESHOLD = 0.5
# Models whose labels are remembered for feedback on what they predicted before they were replaced.
_REMEMBERED = 100


class ModelLabels(NamedTuple):
    """What feedback needs to know of a model."""

    version: str
    labels: tuple[str, ...]


class ClassifierFailed(Exception):
    """The model raised on a text. `reason` is the type of what it raised, which is the cause; its words stay unsaid."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(reason)
        self.model = model
        self.reason = reason


class AnswerNotEncodable(Exception):
    """The model answered with NaN or infinity, which JSON does not have."""

    def __init__(self, model: str) -> None:
        super().__init__("the answer holds NaN or infinity")
        self.model = model


class Model:
    """A verified model, with what every verdict repeats of it made once."""

    def __init__(self, scorer: Scorer) -> None:
        manifest = scorer.manifest
        self.scorer = scorer
        self.name = manifest.name
        self.version = manifest.version
        self.sha256 = scorer.sha256
        self.labels = scorer.labels
        self.thresholds = tuple(manifest.thresholds.get(label, DEFAULT_THRESHOLD) for label in scorer.labels)
        self.languages = manifest.languages
        self.id_bytes = bytes.fromhex(scorer.sha256)[:MODEL_BYTES]
        self.card = {"name": self.name, "version": self.version, "sha256": self.sha256}
        self.label_index = {label: index for index, label in enumerate(scorer.labels)}

    def explain(self, text: str) -> Explained:
        """The scorer's verdict. Raises ClassifierFailed, AnswerNotEncodable."""
        try:
            explained = self.scorer.explain(text)
        except Exception as error:
            raise ClassifierFailed(self.sha256, type(error).__name__) from error
        _, _, labels, explanation, coverage = explained
        # Weights are finite, yet their sum may not be: the sum of all is then no number either.
        if not isfinite(sum(labels.values()) + coverage + sum([weight for _, weight in explanation])):
            raise AnswerNotEncodable(self.sha256)
        return explained

    def judge(self, text: str) -> Judged:
        """The same without reasons, in a fraction of the time. Raises ClassifierFailed, AnswerNotEncodable."""
        try:
            judged = self.scorer.judge(text)
        except Exception as error:
            raise ClassifierFailed(self.sha256, type(error).__name__) from error
        _, _, labels, coverage = judged
        if not isfinite(sum(labels.values()) + coverage):
            raise AnswerNotEncodable(self.sha256)
        return judged

    def probabilities(self, text: str) -> tuple[float, ...]:
        """That of each label, in the order of `labels`. Raises ClassifierFailed, AnswerNotEncodable."""
        try:
            probabilities = self.scorer.probabilities(text)
        except Exception as error:
            raise ClassifierFailed(self.sha256, type(error).__name__) from error
        if not isfinite(sum(probabilities)):
            raise AnswerNotEncodable(self.sha256)
        return probabilities

    def about(self) -> dict[str, Any]:
        """What /version tells of the model: also the data it was trained on and its metrics."""
        return self.card | self.scorer.manifest.model_dump(mode="json", include={"data", "metrics"})


@dataclass(frozen=True)
class Refusal:
    """Why the wanted model does not answer. `sha256` is None while not even the alias can be read."""

    sha256: str | None
    reason: str


class ActiveModel:
    """The slot of one alias. Many threads read it; only the registry's watcher writes."""

    def __init__(self, alias: str, *, labels: tuple[str, ...] | None = None, required: bool = True) -> None:
        """`labels`: those a model must have, None for any; `required`: an alias that names nothing is a fault."""
        self.alias = alias
        self.labels = labels
        self.required = required
        self.model: Model | None = None
        self.since_s: float | None = None
        self.wanted: str | None = None
        self.refusal: Refusal | None = None
        self._labels: dict[str, ModelLabels] = {}

    def swap(self, model: Model, now_s: float) -> None:
        """Let `model` answer from the next request on; `now_s`: seconds since 1970."""
        newest = {model.id_bytes.hex(): ModelLabels(model.version, model.labels)}
        self._labels = dict(list((newest | self._labels).items())[:_REMEMBERED])
        self.model = model
        self.since_s = now_s
        self.refusal = None

    @property
    def runs_the_wanted(self) -> bool:
        """Whether what answers is what the alias names; true of an alias that names nothing and need not."""
        return self.refusal is None and (self.model.sha256 if self.model else None) == self.wanted

    def remembered(self, model: str) -> ModelLabels | None:
        """Labels of the model whose sha256 begins with the hex digits `model`, if it was ever loaded here."""
        return self._labels.get(model)

    def labels_of(self, model: str) -> ModelLabels | None:
        """As `remembered`; for one that this process never ran, the active model's labels under the version "other".

        One alias means one task, so they are the same labels. None without any model.
        """
        known = self.remembered(model)
        if known is None and self.model is not None:
            known = ModelLabels("other", self.model.labels)
        return known


def model_state(active: ActiveModel) -> dict[str, Any]:
    """What is wanted, loaded and refused, as JSON values; `since_s` in seconds since 1970."""
    model, refusal = active.model, active.refusal
    return {
        "wanted_sha256": active.wanted,
        "loaded": None if model is None else {**model.card, "since_s": active.since_s},
        "refused": None if refusal is None else {"sha256": refusal.sha256, "reason": refusal.reason},
    }
