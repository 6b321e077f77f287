"""A second model that scores what the first one answered, so that both can be compared before any reader sees it."""

from collections import deque
from typing import Literal, NamedTuple, Protocol

from model_service.domain.active_model import ActiveModel, Model
from model_service.domain.verdict import Classify, Verdict

__all__ = ["Left", "Shadow", "ShadowObserver"]

WAITING = 1_000  # texts at most; what comes while so many wait is left out and counted

Left = Literal["full", "failed"]


class ShadowObserver(Protocol):
    """Told of each comparison. Must never raise, and keep nothing of a text."""

    def compared(self, model: Model, shadow: Model, difference: float, *, agree: bool) -> None:
        """`difference`: of the probabilities that both give the answered label, 0 to 1."""

    def left_out(self, reason: Left) -> None: ...


class Answered(NamedTuple):
    """A text, who answered it, and what: waits here for milliseconds, is never written anywhere."""

    text: str
    model: Model
    label: str
    probability: float


class Shadow:
    """Classifies as before, and lets the answers wait for whoever calls `score_next`: no reply waits for it."""

    def __init__(self, classify: Classify, active: ActiveModel, observer: ShadowObserver) -> None:
        """`active`: the slot of the second model; a text is left out while it has none of the first one's labels."""
        self._classify = classify
        self._active = active
        self._observer = observer
        self._waiting: deque[Answered] = deque()

    def classify(self, text: str, model: Model, *, explain: bool = True) -> Verdict:
        """The first model's verdict, untouched."""
        verdict = self._classify(text, model, explain=explain)
        second = self._active.model
        if second is None or second.labels != model.labels:
            return verdict
        if len(self._waiting) < WAITING:
            self._waiting.append(Answered(text, model, verdict["label"], verdict["probability"]))
        else:
            self._observer.left_out("full")
        return verdict

    def score_next(self) -> bool:
        """Let the second model score the text that waits longest; False when none waits. Never raises."""
        try:
            text, model, label, probability = self._waiting.popleft()
        except IndexError:
            return False
        try:
            self._compare(text, model, label, probability)
        except Exception:  # noqa: BLE001 - whatever a second model does, the first one's replies are out already
            self._observer.left_out("failed")
        return True

    def _compare(self, text: str, model: Model, label: str, probability: float) -> None:
        second = self._active.model
        if second is None or second.labels != model.labels:
            return
        probabilities = second.scorer.probabilities(text)
        theirs = probabilities[second.label_index[label]]
        self._observer.compared(model, second, abs(theirs - probability), agree=theirs == max(probabilities))
