"""Knowing a browser again: a random number in a cookie, nothing else."""

import re
from collections.abc import Callable

from flask import Blueprint, Response, g, request

from review_app.domain.experiment import Assigned

VISITOR_COOKIE = "palate_visitor"
VISITOR_COOKIE_S = 31_536_000  # a year
VISITOR_ID = re.compile(r"[0-9a-f]{32}")


def know_visitors(pages: Blueprint, new_id: Callable[[], str]) -> None:
    """Every request of `pages` has a visitor afterwards; a new one gets the cookie with the reply."""

    def recognise() -> None:
        known = request.cookies.get(VISITOR_COOKIE, "")
        g.visitor_is_new = not VISITOR_ID.fullmatch(known)
        g.visitor_id = new_id() if g.visitor_is_new else known

    def remember(response: Response) -> Response:
        if g.get("visitor_is_new", False):
            response.set_cookie(
                VISITOR_COOKIE, g.visitor_id, max_age=VISITOR_COOKIE_S, path="/", httponly=True, samesite="Lax"
            )
        return response

    pages.before_request(recognise)
    pages.after_request(remember)


def visitor_id() -> str:
    visitor: str = g.visitor_id
    return visitor


def assigned() -> Assigned:
    return Assigned.HEADER if request.headers.get("x-newvers") == "true" else Assigned.COHORT
