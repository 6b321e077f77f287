"""Classifies texts with the model its alias names."""

from model_service.loading import lean_loading

with lean_loading():
    from model_service.factory import create_app
    from model_service.settings import Settings

__all__ = ["Settings", "create_app"]
