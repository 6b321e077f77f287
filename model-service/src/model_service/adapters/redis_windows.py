"""Moving windows in Redis or Valkey for several machines, which may die and come back without a caller noticing."""

import threading
from pathlib import Path
from time import sleep

import structlog
from limits.storage import RedisStorage
from redis.exceptions import RedisError

from model_service.adapters.redis_client import REDIS_OPTIONS, redis_url
from model_service.adapters.shared_windows import MovingWindowsAlone, SharedWindows

__all__ = ["RedisWindows"]

ASKED_AGAIN_S = 1.0

log = structlog.get_logger()


class RedisWindows(MovingWindowsAlone):
    """Redis decides, and this machine's own windows go along: they decide alone while Redis is away.

    - A caller whom this machine alone has let through up to the limit is refused without asking Redis: so one who
      floods costs no round trip, and a Redis that comes back empty does not give everybody the limit anew.
    - After one failure no request asks Redis again; a thread does, and when it answers, requests follow.
    """

    STORAGE_SCHEME = None
    base_exceptions = RedisError

    def __init__(self, url: str, folder: Path) -> None:
        """`folder`: of this machine's windows."""
        super().__init__(url)
        scheme, separator, rest = redis_url(url).partition("://")
        limits_url = {"unix": "redis+unix"}.get(scheme, scheme) + separator + rest
        self._redis = RedisStorage(limits_url, **REDIS_OPTIONS)
        self._here = SharedWindows(f"palate-windows://{folder}")
        self._away = threading.Event()
        self._leaving = threading.Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """See limits."""
        if self._away.is_set():
            return self._here.acquire_entry(key, limit, expiry, amount)
        if self._here.get_moving_window(key, limit, expiry)[1] + amount > limit:
            return False
        try:
            acquired = self._redis.acquire_entry(key, limit, expiry, amount)
        except RedisError as error:
            self._leave(error)
            return self._here.acquire_entry(key, limit, expiry, amount)
        if acquired:
            self._here.acquire_entry(key, limit, expiry, amount)
        return acquired

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """See limits."""
        here = self._here.get_moving_window(key, limit, expiry)
        if self._away.is_set() or here[1] >= limit:
            return here
        try:
            return self._redis.get_moving_window(key, limit, expiry)
        except RedisError as error:
            self._leave(error)
            return here

    def _leave(self, error: RedisError) -> None:
        with self._leaving:
            if self._away.is_set():
                return
            self._away.set()
        log.warning("limits_without_redis", reason=type(error).__name__)
        threading.Thread(target=self._come_back, name="limits-redis", daemon=True).start()

    def _come_back(self) -> None:
        while not self._redis.check():
            sleep(ASKED_AGAIN_S)
        log.info("limits_with_redis_again")
        self._away.clear()

    def check(self) -> bool:
        """See limits."""
        return not self._away.is_set()

    def reset(self) -> int:
        """See limits."""
        return (self._redis.reset() or 0) + self._here.reset()

    def clear(self, key: str) -> None:
        """See limits."""
        self._redis.clear(key)
        self._here.clear(key)

    def close(self) -> None:
        self._here.close()
