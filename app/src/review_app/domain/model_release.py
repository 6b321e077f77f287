"""Which model-service and which model answer, and what the model was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from review_app.domain.verdict import ModelIdentity


@dataclass(frozen=True)
class DataSource:
    """The file a model was trained on; `source` is sample, published or path."""

    source: str
    name: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Metric:
    """A figure with its 95 % interval, where it has one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ModelRelease:
    service_version: str
    service_commit: str
    service_built_at: str
    model: ModelIdentity
    data: DataSource
    metrics: Mapping[str, Metric]


class ModelReleases(Protocol):
    def current(self) -> ModelRelease:
        """Asks the model-service now. Raises ModelUnavailable."""
        ...


class LastSeenModel:
    """The model version of the newest answer, for the header of every reply; "unknown" before the first answer."""

    def __init__(self) -> None:
        self.version = "unknown"

    def saw(self, version: str) -> None:
        self.version = version
