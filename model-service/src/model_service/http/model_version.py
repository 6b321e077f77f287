"""X-Palate-Model-Version on every reply, errors included."""

from flask import Flask, Response

from model_service.domain import ActiveModel

__all__ = ["MODEL_VERSION_HEADER", "name_model_version"]

MODEL_VERSION_HEADER = "X-Palate-Model-Version"


def name_model_version(app: Flask, active: ActiveModel) -> None:
    """Add the header to every reply of `app` that has none yet, while a model is loaded."""

    def add(response: Response) -> Response:
        if active.model is not None and MODEL_VERSION_HEADER not in response.headers:
            response.headers[MODEL_VERSION_HEADER] = active.model.version
        return response

    app.after_request(add)
