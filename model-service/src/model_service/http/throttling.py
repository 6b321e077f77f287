"""Limits on how often a caller may call: 429 with Retry-After beyond them, RateLimit-* on every limited reply.

The three headers are those of draft-ietf-httpapi-ratelimit-headers-06, the last that has them apart; later drafts fold
them into one, which clients do not read yet. RateLimit-Reset says when the oldest calls leave the moving window.
"""

from collections.abc import Callable
from typing import Protocol

from flask import Flask, Response, g, request
from lib_web.operator_routes import OPERATOR_ROUTES
from lib_web.problems import Problem, problem_response
from limits import RateLimitItem

from model_service.domain.caller import Caller
from model_service.domain.rate_limit import Standing, limited_as
from model_service.http.authentication import current_caller
from model_service.http.problem_types import problem

__all__ = ["Limits", "Throttle"]

_UNAUTHORIZED = 401


class Limits(Protocol):
    """Where hits are counted."""

    def hit(self, limit: RateLimitItem, kind: str, who: str) -> Standing | None: ...


class Throttle:
    """Limits callers with a token by its name, others by their address; the operator's routes have no limit."""

    def __init__(
        self,
        limits: Limits,
        per_token: RateLimitItem | None,
        per_address: RateLimitItem | None,
        refused: Callable[[str], None],
    ) -> None:
        """`refused` is told of each refusal: by "token" or "address"."""
        self._limits = limits
        self._per_token = per_token
        self._per_address = per_address
        self._refused = refused

    def guard(self, app: Flask) -> None:
        """Limit the calls of `app`, whose callers' tokens are read before."""
        app.before_request(self._refuse)
        app.after_request(self._announce)

    def _refuse(self) -> None:
        rule = request.url_rule
        if rule is not None and rule.rule in OPERATOR_ROUTES:
            return
        standing = self._stand(current_caller())
        if standing is not None and not standing.allowed:
            raise _too_many(standing)

    def _stand(self, caller: Caller) -> Standing | None:
        limit = self._per_address if caller.name is None else self._per_token
        if limit is None:
            return None
        kind, who = limited_as(caller)
        g.standing = standing = self._limits.hit(limit, kind, who)
        if standing is not None and not standing.allowed:
            self._refused(kind)
        return standing

    def _announce(self, response: Response) -> Response:
        # Refused before it came to `_refuse`: a wrong token counts for the address that sent it.
        if response.status_code == _UNAUTHORIZED and "standing" not in g:
            standing = self._stand(current_caller())
            if standing is not None and not standing.allowed:
                response = problem_response(_too_many(standing))
        standing = g.get("standing")
        if standing is not None:
            response.headers["RateLimit-Limit"] = str(standing.limit)
            response.headers["RateLimit-Remaining"] = str(standing.remaining)
            response.headers["RateLimit-Reset"] = str(standing.reset_s)
        return response


def _too_many(standing: Standing) -> Problem:
    detail = f"More than {standing.limit} calls; the next is free in {standing.reset_s} s."
    return problem("too-many-requests", detail, headers={"Retry-After": str(standing.reset_s)})
