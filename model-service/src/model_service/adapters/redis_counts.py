"""Counts kept in Redis or Valkey, where the services of several machines add up.

One hash a window: `palate:calls:<window>:<number>`, a field for each writer and subject, the counts as JSON. The hash
expires with its window.
"""

from collections.abc import Iterable
from itertools import groupby

from pydantic_core import from_json, to_json
from redis.exceptions import RedisError

from model_service.adapters.redis_client import redis_client
from model_service.domain.statistics import DAYS, WINDOWS, CountsNotStored, Row, Window

__all__ = ["RedisCounts"]

_BY_NAME = WINDOWS | {DAYS.name: DAYS}


class RedisCounts:
    """A CountStore in the database that a URL names; two services that must not add up take two databases."""

    def __init__(self, url: str) -> None:
        self._redis = redis_client(url)

    def put(self, rows: Iterable[Row]) -> None:
        """See CountStore."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.ping()  # without rows, it is still the question whether the store is there
        for (name, number), each in groupby(sorted(rows, key=lambda row: row.key), lambda row: row.key[:2]):
            window, key = _BY_NAME[name], f"palate:calls:{name}:{number}"
            pipeline.hset(key, mapping={f"{row.writer}:{row.subject}": to_json(row.counts) for row in each})
            pipeline.expire(key, window.seconds * (window.kept + 1))
        try:
            pipeline.execute()
        except RedisError as error:
            raise CountsNotStored(str(error)) from error

    def rows(self, window: Window, first: int, last: int, subject: str = "") -> list[Row]:
        """See CountStore."""
        pipeline = self._redis.pipeline(transaction=False)
        for number in range(first, last + 1):
            pipeline.hgetall(f"palate:calls:{window.name}:{number}")
        try:
            hashes = pipeline.execute()
        except RedisError as error:
            raise CountsNotStored(str(error)) from error
        return [
            Row(window.name, number, writer.decode(), subject, from_json(counts))
            for number, fields in enumerate(hashes, first)
            for writer, _, of, counts in ((*field.partition(b":"), counts) for field, counts in fields.items())
            if of == subject.encode()
        ]

    def forget(self, window: Window, before: int) -> None:
        """Redis does that by itself."""

    def close(self) -> None:
        """See CountStore."""
        self._redis.close()
