"""Every answered call is counted under its API's name and, where its caller has a name, metered."""

from collections.abc import Callable, Mapping

from flask import Flask, Response, g, request

from model_service.domain.statistics import APIS

__all__ = ["API_OF_ROUTE", "api_of", "count_calls", "metered"]

# Which API a route belongs to; those of the operator are not counted.
API_OF_ROUTE: Mapping[str, str] = {
    "/predict": "predict",
    "/classify": "classify",
    "/feedback": "feedback",
    "/models": "models",
    "/problems/<kind>": "problems",
    "/api/v1/health": "health",
    "/api/v1/predict": "toxicity",
    "/api/v1/statistics": "statistics",
    "/api/v1/usage": "usage",
    "/v2/models/<name>/infer": "infer",
    "/v2/models/<name>/versions/<version>/infer": "infer",
}
_PROTOCOL = "/v2"  # what else the Open Inference Protocol asks for tells of the server and its models


def metered(characters: int) -> None:
    """The current request has had a text of so many characters classified; may be said several times."""
    g.characters = g.get("characters", 0) + characters


def api_of(route: str) -> str | None:
    """The API of a route's template; None: of none."""
    api = API_OF_ROUTE.get(route)
    if api is None and (route == _PROTOCOL or route.startswith(f"{_PROTOCOL}/")):
        return "inference-metadata"
    return api


def count_calls(app: Flask, count: Callable[[int], None], meter: Callable[[str, int], None]) -> None:
    """Count what `app` answers, refusals and failures included, before the answer is sent.

    `count` takes an API's place in APIS; `meter` a caller's name and how many characters it had classified.
    """
    places: dict[str, int | None] = {}

    def place_of(route: str) -> int | None:
        api = api_of(route)
        return APIS.index(api) if api is not None else None

    def count_call(response: Response) -> Response:
        rule = request.url_rule
        if rule is None:
            return response
        try:
            place = places[rule.rule]
        except KeyError:
            place = places[rule.rule] = place_of(rule.rule)
        if place is not None:
            count(place)
            caller = g.get("caller")
            if caller is not None and caller.name is not None:
                meter(caller.name, g.get("characters", 0))
        return response

    app.after_request(count_call)
