"""The model that answers now, behind one reference: swapping is one assignment, so a reader sees one or the other."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from lib_ml.scorer import Scorer

from model_service.domain.prediction_id import MODEL_BYTES

__all__ = ["ActiveModel", "Model", "ModelLabels", "Refusal"]

# Models whose labels are remembered for feedback on what they predicted before they were replaced.
_REMEMBERED = 100


class ModelLabels(NamedTuple):
    """What feedback needs to know of a model."""

    version: str
    labels: tuple[str, ...]


class Model:
    """A verified model, with what every verdict repeats of it made once."""

    def __init__(self, scorer: Scorer) -> None:
        manifest = scorer.manifest
        self.scorer = scorer
        self.name = manifest.name
        self.version = manifest.version
        self.sha256 = scorer.sha256
        self.labels = scorer.labels
        self.id_bytes = bytes.fromhex(scorer.sha256)[:MODEL_BYTES]
        self.card = {"name": self.name, "version": self.version, "sha256": self.sha256}
        self.label_index = {label: index for index, label in enumerate(scorer.labels)}

    def about(self) -> dict[str, Any]:
        """What /version tells of the model: also the data it was trained on and its metrics."""
        return self.card | self.scorer.manifest.model_dump(mode="json", include={"data", "metrics"})


@dataclass(frozen=True)
class Refusal:
    """Why the wanted model does not answer. `sha256` is None while not even the alias can be read."""

    sha256: str | None
    reason: str


class ActiveModel:
    """The slot. Many threads read it; only the registry's watcher writes."""

    def __init__(self) -> None:
        self.model: Model | None = None
        self.wanted: str | None = None
        self.refusal: Refusal | None = None
        self._labels: dict[str, ModelLabels] = {}

    def swap(self, model: Model) -> None:
        """Let `model` answer from the next request on."""
        newest = {model.id_bytes.hex(): ModelLabels(model.version, model.labels)}
        self._labels = dict(list((newest | self._labels).items())[:_REMEMBERED])
        self.model = model
        self.refusal = None

    def labels_of(self, model: str) -> ModelLabels | None:
        """Labels of the model whose sha256 begins with the hex digits `model`.

        For one that this process never ran: the active model's, under the version "other", since one alias means one
        task. None without any model.
        """
        if model in self._labels:
            return self._labels[model]
        return ModelLabels("other", self.model.labels) if self.model else None
