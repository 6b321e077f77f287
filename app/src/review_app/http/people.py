"""The People page: the team's cards, the one thing in which v1 and v2 differ for the eye."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from apiflask import APIBlueprint
from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from lib_web.problems import Problem

from review_app.domain.experiment import TeamMember
from review_app.domain.store import Experiment, StoreUnavailable
from review_app.http.experiment_metrics import ExperimentMetrics
from review_app.http.forms import read_empty_form
from review_app.http.refusals import refusals
from review_app.http.rendering import TEMPLATES, fragment, is_htmx
from review_app.http.visitors import assigned, know_visitors, visitor_id

log = structlog.get_logger()


def people_pages(
    team: Sequence[TeamMember],
    experiment: Experiment,
    metrics: ExperimentMetrics,
    release: str,
    new_id: Callable[[], str],
) -> APIBlueprint:
    pages = APIBlueprint("people", __name__, template_folder=str(TEMPLATES), enable_openapi=False)
    know_visitors(pages, new_id)
    by_slug = {member.slug: member for member in team}

    def count_view() -> None:
        try:
            first = experiment.saw(release, visitor_id(), assigned(), datetime.now(UTC))
        except StoreUnavailable as error:  # a page that can not be counted can still be read
            log.warning("view_not_counted", reason=str(error))
            return
        metrics.saw(assigned(), first=first)

    @pages.get("/people")
    def people() -> Response:
        contact = request.args.get("contact", "")
        if contact not in by_slug and _is_looked_at():  # else it is the page after a click: seen already
            count_view()
        return fragment("palate/people.html", team=team, contact=contact, with_icon=release == "v2")

    @pages.post("/people/<slug>/clicks")
    def click(slug: str) -> ResponseReturnValue:
        """Counts the click, then shows the address. 404 for nobody of the team; 503 when it can't be counted."""
        member = by_slug.get(slug)
        if member is None:
            raise Problem(404, "Not Found", "Nobody of the team has this card.")
        read_empty_form()
        with refusals():
            first = experiment.clicked(release, visitor_id(), assigned(), slug, datetime.now(UTC))
        metrics.clicked(assigned(), slug, first=first)
        if is_htmx():
            return fragment("palate/_contact.html", member=member, focus=True)
        return redirect(url_for("people.people", contact=slug, _anchor=slug), code=303)

    return pages


def _is_looked_at() -> bool:
    """Not a HEAD and not a browser's fetching ahead."""
    return request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", "")
