"""What the outside may count."""

from typing import Protocol

from model_service.domain.active_model import ActiveModel, Model
from model_service.domain.feedback import Feedback
from model_service.domain.models import Models
from model_service.domain.verdict import Tally, Verdict

__all__ = ["Observer"]


class Observer(Protocol):
    """Told of what happens. Must be quick, never raise, and keep nothing of a text."""

    def predicted(self, verdict: Verdict, seconds: float) -> None: ...

    def predicted_many(self, verdicts: Tally) -> None:
        """As `predicted` for each, at once."""

    def moderated(self, network: str, model: Model, flagged: bool, seconds: float) -> None:  # noqa: FBT001
        """`model`, known by the name `network`, has broken a text down and found it `flagged` or not."""

    def corrected(self, feedback: Feedback) -> None: ...

    def model_swapped(self, active: ActiveModel) -> None: ...

    def model_refused(self, active: ActiveModel) -> None: ...

    def models_looked_at(self, models: Models) -> None:
        """After each look at the aliases, whether or not anything changed."""
