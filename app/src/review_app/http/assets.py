"""Styles, scripts and the icon: a few files, read once, under URLs that change with their content."""

from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import NamedTuple

from apiflask import APIBlueprint
from flask import Response, request, url_for
from lib_web.problems import Problem

STATIC = Path(__file__).parents[1] / "static"
SHORT_HASH = 12
KEEP_S = 86_400


class Asset(NamedTuple):
    content: bytes
    mimetype: str
    version: str


@cache
def assets() -> dict[str, Asset]:
    """Every file under static/ by its path there."""
    files = (path for path in STATIC.rglob("*") if path.is_file())
    return {str(path.relative_to(STATIC)): _asset(path) for path in files}


def asset_url(name: str) -> str:
    """With the content's hash: v1 and v2 may differ behind one gateway, and a browser keeps what it fetched."""
    return url_for("assets.asset", name=name, v=assets()[name].version)


def asset_routes() -> APIBlueprint:
    routes = APIBlueprint("assets", __name__, enable_openapi=False)

    @routes.get("/static/<path:name>")
    def asset(name: str) -> Response:
        found = assets().get(name)
        if found is None:
            raise Problem(404, "Not Found", "There is no such file.")
        response = Response(found.content, mimetype=found.mimetype)
        response.headers["Cache-Control"] = f"public, max-age={KEEP_S}"
        response.set_etag(found.version)
        response.make_conditional(request)
        return response

    return routes


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    mimetype = guess_type(path.name)[0] or "text/plain"
    return Asset(content, mimetype, sha256(content).hexdigest()[:SHORT_HASH])
