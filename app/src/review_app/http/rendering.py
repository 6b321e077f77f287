"""Pages and fragments, and the words and figures in them."""

from math import floor
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, make_response, render_template, request
from lib_version import BuildInfo
from lib_web.problems import Problem, problem_response

from review_app.domain.coverage import coverage_in_words, little_known
from review_app.domain.highlighting import driving_words, highlight
from review_app.domain.model_release import LastSeenModel
from review_app.domain.moderation import Decision, Standing
from review_app.domain.verdict import Sentiment
from review_app.http.assets import asset_url

PACKAGE = Path(__file__).parents[1]
TEMPLATES = PACKAGE / "templates"
SHORT_HASH = 12
WRITE_ENDPOINT = "reviews.write"


def prepare_rendering(app: Flask, release: str, build: BuildInfo, seen: LastSeenModel, max_text_chars: int) -> None:
    """What every template may use."""
    app.jinja_env.globals.update(
        Decision=Decision,
        Standing=Standing,
        release=release,
        build=build,
        seen=seen,
        max_text_chars=max_text_chars,
        asset=asset_url,
        Sentiment=Sentiment,
        highlight=highlight,
        driving_words=driving_words,
        coverage_in_words=coverage_in_words,
        little_known=little_known,
    )
    app.jinja_env.filters.update(
        percent=percent, in_words=lambda label: label.replace("_", " "), short_hash=lambda digest: digest[:SHORT_HASH]
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def compile_templates(app: Flask) -> None:
    """Before the first request, and before a worker is forked: none of them has to do it."""
    for path in (TEMPLATES / "palate").glob("*.html"):
        app.jinja_env.get_template(f"palate/{path.name}")


def percent(share: float) -> int:
    """0..1 as whole percent; only a certainty is called 0 or 100."""
    whole = floor(share * 100 + 0.5)
    return whole if share in (0.0, 1.0) else min(max(whole, 1), 99)


def is_htmx() -> bool:
    """Whether the page itself asks for a piece to put in; a plain form wants a whole page."""
    return request.headers.get("HX-Request") == "true"


def fragment(template: str, **values: Any) -> Response:  # noqa: ANN401 - a template takes anything
    response = make_response(render_template(template, **values))
    response.headers["Vary"] = "HX-Request"
    return response


def render_problem(problem: Problem) -> Response:
    """A problem for a reader: a piece for htmx, the form with the text still in it, or a page of its own."""
    if request.path.startswith("/api/"):
        return problem_response(problem)
    values = {"problem": problem, "request_id": g.get("request_id")}
    if is_htmx():
        return fragment("palate/_problem.html", **values)
    if request.endpoint == WRITE_ENDPOINT:
        return fragment("palate/write.html", typed_text=g.get("typed_text", ""), recent=(), **values)
    return fragment("palate/problem.html", **values)
