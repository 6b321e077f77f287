"""The six labels, in the order that every file and answer has them."""

from typing import Literal, get_args

ModerationLabel = Literal["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
LABELS: tuple[ModerationLabel, ...] = get_args(ModerationLabel)
