"""The whole platform on one machine under one supervisor."""

__all__: list[str] = []
