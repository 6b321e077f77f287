"""The limits' state, opened by each worker when it first needs it."""

import threading
from collections.abc import Callable
from math import ceil
from pathlib import Path
from time import monotonic, time

import lmdb
import structlog
from limits import RateLimitItem
from limits.strategies import MovingWindowRateLimiter

from model_service.adapters.redis_windows import RedisWindows
from model_service.adapters.shared_windows import SharedWindows
from model_service.domain.rate_limit import Standing

__all__ = ["RateLimits"]

_COMPLAINED_EVERY_S = 10.0

log = structlog.get_logger()


class RateLimits:
    """Counts hits over all workers of this machine or, with Redis, over all machines. Safe for threads."""

    def __init__(self, url: str | None, folder: Callable[[], Path]) -> None:
        """`url`: of Redis or Valkey; `folder`: the workers' common one."""
        self._url = url
        self._folder = folder
        self._opening = threading.Lock()
        self._limiter: MovingWindowRateLimiter | None = None
        self._complained_s = -_COMPLAINED_EVERY_S

    def hit(self, limit: RateLimitItem, kind: str, who: str) -> Standing | None:
        """One call of `who`; None when the hits can not be counted: then nobody is kept out."""
        try:
            limiter = self._limiter or self._opened()
            allowed = limiter.hit(limit, kind, who)
            reset_time, remaining = limiter.get_window_stats(limit, kind, who)
        except lmdb.Error as error:
            self._complain(error)
            return None
        reset_s = max(1, ceil(reset_time - time()))
        return Standing(allowed, limit.amount, max(0, remaining), reset_s)

    def _opened(self) -> MovingWindowRateLimiter:
        with self._opening:
            if self._limiter is None:
                folder = self._folder() / "windows"
                windows = RedisWindows(self._url, folder) if self._url else SharedWindows(f"palate-windows://{folder}")
                self._limiter = MovingWindowRateLimiter(windows)
            return self._limiter

    def _complain(self, error: lmdb.Error) -> None:
        if monotonic() - self._complained_s > _COMPLAINED_EVERY_S:
            self._complained_s = monotonic()
            log.error("limits_not_kept", reason=str(error))
