"""The six labels of moderation."""

__all__ = ["LABELS"]

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
