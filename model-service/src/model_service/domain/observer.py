"""What the outside may count."""

from typing import Protocol

from model_service.domain.active_model import Model, Refusal
from model_service.domain.feedback import Feedback
from model_service.domain.verdict import Verdict

__all__ = ["Observer"]


class Observer(Protocol):
    """Told of what happens. Must be quick, never raise, and keep nothing of a text."""

    def predicted(self, verdict: Verdict, seconds: float) -> None: ...

    def corrected(self, feedback: Feedback) -> None: ...

    def model_swapped(self, model: Model) -> None: ...

    def model_refused(self, refusal: Refusal) -> None: ...
