"""How well the model does on what was said of its predictions lately."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = [
    "HOUR_S",
    "LiveAccuracy",
    "Predicted",
    "PredictionCounts",
    "PredictionStore",
    "live_accuracy",
    "window_start",
]

HOUR_S = 3_600

Predicted = tuple[str, str]
"""A model's version, the label."""


class PredictionCounts:
    """Predictions since somebody last asked. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Predicted] = Counter()

    def add(self, model_version: str, label: str, count: int = 1) -> None:
        predicted = (model_version, label)
        with self._lock:
            self._counts[predicted] = self._counts.get(predicted, 0) + count

    def take(self) -> Counter[Predicted]:
        """The counts so far, to be kept elsewhere; here they begin anew."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken

    def give_back(self, counts: Counter[Predicted]) -> None:
        """What could not be kept."""
        with self._lock:
            self._counts.update(counts)


class PredictionStore(Protocol):
    """Where predictions are counted by the hour, over all workers and restarts, beside the feedback on them."""

    def add_predictions(self, hour: int, counts: Mapping[Predicted, int], oldest_hour: int) -> None:
        """Add to the `hour`, since 1970; forget those before `oldest_hour`. Raises FeedbackNotStored."""

    def predictions_since(self, since_s: int) -> Counter[Predicted]:
        """All that were made since then. Raises FeedbackNotStored."""

    def last_words_since(self, since_s: int) -> list[tuple[str, str, str, int]]:
        """Of the predictions since then: version, predicted and actual label, number. Raises FeedbackNotStored."""


@dataclass
class LiveAccuracy:
    """Of one model's version. `confusion`: the number by predicted and actual label."""

    predictions: Counter[str] = field(default_factory=Counter)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def corrected(self) -> int:
        return sum(count for (predicted, actual), count in self.confusion.items() if predicted != actual)

    @property
    def accuracy(self) -> float | None:
        """The confirmed ones' share of those confirmed or corrected; None while there are none."""
        said = self.confusion.total()
        return 1 - self.corrected / said if said else None

    @property
    def corrected_share(self) -> float | None:
        """Of all predictions; None while there are none. At most 1, should a count be lost with a killed worker."""
        made = self.predictions.total()
        return min(self.corrected / made, 1.0) if made else None


def live_accuracy(
    predictions: Mapping[Predicted, int], last_words: Iterable[tuple[str, str, str, int]]
) -> dict[str, LiveAccuracy]:
    """By model version."""
    found: dict[str, LiveAccuracy] = {}
    for (version, label), count in predictions.items():
        found.setdefault(version, LiveAccuracy()).predictions[label] += count
    for version, predicted, actual, count in last_words:
        found.setdefault(version, LiveAccuracy()).confusion[predicted, actual] += count
    return found


def window_start(now_s: float, window_s: float) -> int:
    """The full hour in which the window begins: predictions are counted by the hour."""
    return int((now_s - window_s) // HOUR_S) * HOUR_S
