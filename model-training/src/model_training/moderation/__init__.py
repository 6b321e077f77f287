"""The moderation models: six labels, each with its probability and threshold."""

__all__: list[str] = []
