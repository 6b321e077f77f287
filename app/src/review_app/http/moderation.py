"""The moderator's pages: what is held back, and the word on it."""

import structlog
from apiflask import APIBlueprint
from flask import Response, make_response, redirect
from flask.typing import ResponseReturnValue
from lib_web.problems import Problem

from review_app.domain.desk import ReviewDesk
from review_app.domain.moderation import Decision
from review_app.http.forms import read_empty_form, read_form
from review_app.http.moderators import PATH, Moderators
from review_app.http.refusals import refusals
from review_app.http.rendering import TEMPLATES, fragment

log = structlog.get_logger()


def moderation_pages(desk: ReviewDesk, moderators: Moderators | None) -> APIBlueprint:
    """Without `moderators` every page says how to name them."""
    pages = APIBlueprint("moderation", __name__, template_folder=str(TEMPLATES), enable_openapi=False)

    @pages.get(PATH)
    def queue() -> Response:
        known = _named(moderators)
        if not known.signed_in():
            return fragment("palate/sign_in.html", refused=False)
        with refusals():
            return fragment("palate/moderation.html", held=desk.held())

    @pages.post(f"{PATH}/sign-in")
    def sign_in() -> ResponseReturnValue:
        known = _named(moderators)
        if not known.know(read_form("token")["token"]):
            log.warning("moderator_refused")
            return make_response(fragment("palate/sign_in.html", refused=True), 403)
        log.info("moderator_signed_in")
        return known.sign_in(make_response(redirect(PATH, code=303)))

    @pages.post(f"{PATH}/sign-out")
    def sign_out() -> ResponseReturnValue:
        read_empty_form()
        return _named(moderators).sign_out(make_response(redirect(PATH, code=303)))

    @pages.post(f"{PATH}/reviews/<review_id>")
    def decide(review_id: str) -> ResponseReturnValue:
        """303 back to the queue; 403 for whoever has not signed in; 404, 422 and 503 as for a correction."""
        if not _named(moderators).signed_in():
            raise Problem(403, "Forbidden", f"Only a moderator may decide on a review: sign in at {PATH}.")
        decision = _decision(read_form("decision")["decision"])
        with refusals():
            desk.decide(review_id, decision)
        log.info("moderator_decided", decision=decision)
        return redirect(PATH, code=303)

    return pages


def _named(moderators: Moderators | None) -> Moderators:
    if moderators is None:
        raise Problem(
            404, "Not Found", "There is no moderator here: set APP_MODERATOR_TOKEN_FILE to name them a token."
        )
    return moderators


def _decision(value: str) -> Decision:
    if value not in set(Decision):
        detail = "Must be publish or withhold."
        raise Problem(422, "Unprocessable Content", detail, errors=[{"field": "decision", "detail": detail}])
    return Decision(value)
