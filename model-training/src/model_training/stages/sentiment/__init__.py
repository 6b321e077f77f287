"""The stages of the sentiment models."""
