"""What holds for every request and reply: foreign pages refused, versions named, the cohort kept, the policy set."""

import re
import secrets

from flask import Flask, Response, request
from lib_web.problems import Problem

from review_app.domain.cohort import Newcomer, draw_cohort
from review_app.domain.cross_origin import is_cross_origin
from review_app.domain.model_release import LastSeenModel

COHORT_COOKIE_S = 2_592_000  # 30 days: longer than a release is rolled out
RELEASE_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
WEIGHT = re.compile(r"[0-9]{1,3}")
# data: is for the icons inside pico.css; nothing of a review ever becomes an image.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'none'"
)


def guard_edge(app: Flask, release: str, seen: LastSeenModel) -> None:
    """Registers the checks and headers on `app`, which is the `release` side."""

    def refuse_foreign_pages() -> None:
        headers = request.headers
        if is_cross_origin(
            request.method,
            host=request.host,
            origin=headers.get("Origin"),
            fetch_site=headers.get("Sec-Fetch-Site"),
        ):
            raise Problem(403, "Forbidden", "This request comes from another site's page.")

    def mark(response: Response) -> Response:
        response.headers["X-Palate-App-Version"] = release
        response.headers["X-Palate-Model-Version"] = seen.version
        if response.mimetype == "text/html" and "Content-Security-Policy" not in response.headers:
            response.headers["Content-Security-Policy"] = PAGE_POLICY
            # With no-referrer, browsers would send `Origin: null` with our own forms.
            response.headers["Referrer-Policy"] = "same-origin"
        _keep_on_side(response, release)
        return response

    app.before_request(refuse_foreign_pages)
    app.after_request(mark)


def _keep_on_side(response: Response, release: str) -> None:
    newcomer = _newcomer()
    if newcomer is None or newcomer.served_version != release:
        return
    cohort = draw_cohort(newcomer, lambda start, stop: start + secrets.randbelow(stop - start))
    if cohort is not None:
        name = f"palate_{newcomer.release}"
        response.set_cookie(name, f"{cohort:02d}", max_age=COHORT_COOKIE_S, path="/", httponly=True, samesite="Lax")


def _newcomer() -> Newcomer | None:
    """What the gateway says, if this came by its newcomers' route; whoever asks for v2 by header joins no cohort."""
    headers = request.headers
    release, weight = headers.get("x-palate-release", ""), headers.get("x-canary-weight", "")
    if headers.get("x-newvers") == "true" or not RELEASE_NAME.fullmatch(release) or not WEIGHT.fullmatch(weight):
        return None
    return Newcomer(release, headers.get("x-served-version", ""), min(int(weight), 100))
