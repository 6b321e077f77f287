"""X-Palate-Model-Version on every reply, errors included."""

from flask import Flask, Response, g

from model_service.domain import ActiveModel, Model

__all__ = ["answered_by", "name_model_version", "version_header"]

_HEADER = "X-Palate-Model-Version"


def answered_by(model: Model) -> None:
    """Name `model` on the current reply, also when it was swapped meanwhile."""
    g.answered_by = model


def version_header(model: Model) -> tuple[str, str]:
    """What a reply says of the model that gave it."""
    return _HEADER, model.version


def name_model_version(app: Flask, active: ActiveModel) -> None:
    """Add the header to every reply of `app` while a model is loaded."""

    def add(response: Response) -> Response:
        model = g.get("answered_by") or active.model
        if model is not None:
            response.headers.add(*version_header(model))
        return response

    app.after_request(add)
