"""The stages of the moderation models."""
