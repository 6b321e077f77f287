"""The About page: everything that took part in a verdict, and how the experiment stands."""

import structlog
from apiflask import APIBlueprint
from flask import Response

from review_app.domain.experiment import ExperimentCount
from review_app.domain.model_release import ModelRelease, ModelReleases
from review_app.domain.store import Experiment, StoreUnavailable
from review_app.domain.verdict import ModelUnavailable
from review_app.http.rendering import TEMPLATES, fragment

log = structlog.get_logger()


def about_pages(releases: ModelReleases, experiment: Experiment) -> APIBlueprint:
    pages = APIBlueprint("about", __name__, template_folder=str(TEMPLATES), enable_openapi=False)

    @pages.get("/about")
    def about() -> Response:
        return fragment("palate/about.html", model_release=_model_release(releases), counts=_counts(experiment))

    return pages


def _model_release(releases: ModelReleases) -> ModelRelease | None:
    """Asked now, since a model may be exchanged at any time; None when nobody answers."""
    try:
        return releases.current()
    except ModelUnavailable:
        return None


def _counts(experiment: Experiment) -> list[ExperimentCount]:
    try:
        return experiment.counts()
    except StoreUnavailable as error:
        log.warning("store_unavailable", reason=str(error))
        return []
