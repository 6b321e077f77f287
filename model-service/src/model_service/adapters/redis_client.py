"""A client of Redis or Valkey that rather gives up than waits."""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["REDIS_OPTIONS", "redis_client", "redis_url"]

TIMEOUT_S = 0.2
# The library's own default is to try again three times, ever later.
REDIS_OPTIONS: dict[str, Any] = {
    "socket_timeout": TIMEOUT_S,
    "socket_connect_timeout": TIMEOUT_S,
    "retry": Retry(NoBackoff(), 0),
}


def redis_url(url: str) -> str:
    """`url` in the words of the client, which speaks to Valkey too."""
    scheme, separator, rest = url.partition("://")
    return {"valkey": "redis", "valkeys": "rediss"}.get(scheme, scheme) + separator + rest


def redis_client(url: str) -> redis.Redis:
    """Connects when it is used."""
    return redis.Redis.from_url(redis_url(url), **REDIS_OPTIONS)
