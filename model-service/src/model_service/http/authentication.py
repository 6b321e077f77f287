"""Who calls, for whoever asks: only a request that sends Authorization pays for having it read."""

from collections.abc import Collection
from typing import cast

from flask import Flask, current_app, g, request
from lib_web.problems import Problem

from model_service.domain import Caller, Network, Tokens, client_address
from model_service.http.problem_types import problem

__all__ = ["current_caller", "read_tokens", "require_token"]

_TRUSTED = "model_service.trusted_proxies"
# The longest token that is looked at; an issuer's with a list of roles has 1 to 2 kB.
MAX_TOKEN_CHARS = 8_192


def read_tokens(app: Flask, tokens: Tokens, trusted_proxies: Collection[Network]) -> None:
    """Put the caller on `g` for every request of `app` that sends Authorization; a wrong one is a 401 on any route."""
    app.extensions[_TRUSTED] = tuple(trusted_proxies)

    def read() -> None:
        sent = request.environ.get("HTTP_AUTHORIZATION")
        if sent is not None:
            g.caller = Caller(_name(tokens, sent), _address())

    app.before_request(read)


def current_caller() -> Caller:
    """Who sent the current request; without a name when it sent no token."""
    caller = g.get("caller")
    if caller is None:
        caller = g.caller = Caller(None, _address())
    return cast("Caller", caller)


def require_token() -> Caller:
    """The caller, who must have sent a token. Raises Problem 401."""
    caller = current_caller()
    if caller.name is None:
        raise _unauthorized("This route asks for a token; send it as Authorization: Bearer …", "Bearer")
    return caller


def _name(tokens: Tokens, sent: str) -> str:
    scheme, _, token = sent.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("Authorization must be: Bearer, a space, a token.", 'Bearer error="invalid_request"')
    name = tokens.name_of(token) if len(token) <= MAX_TOKEN_CHARS else None
    if name is None:
        # One answer for all: what exactly is wrong with a token helps only who makes it up.
        raise _unauthorized("The token is not valid, or not any more.", 'Bearer error="invalid_token"')
    return name


def _unauthorized(detail: str, challenge: str) -> Problem:
    return problem("unauthorized", detail, headers={"WWW-Authenticate": challenge})


def _address() -> str:
    environ = request.environ
    trusted = current_app.extensions[_TRUSTED]
    return client_address(environ.get("REMOTE_ADDR") or "", environ.get("HTTP_X_FORWARDED_FOR"), trusted)
