"""When to stop asking somebody who does not answer."""

from collections.abc import Callable
from threading import Lock


class Breaker:
    """Opens after `tolerance` failures in a row; then one try per `pause_s`, until one succeeds.

    It keeps a dead model-service from holding all of the server's threads until their deadlines.
    `clock` counts seconds.
    """

    def __init__(self, clock: Callable[[], float], *, tolerance: int = 5, pause_s: float = 0.5) -> None:
        self._clock, self._tolerance, self._pause_s = clock, tolerance, pause_s
        self._lock = Lock()
        self._failures = 0
        self._shut_until = 0.0

    def admits(self) -> bool:
        """Whether to ask now. While open, the one admitted try moves the next one by `pause_s`."""
        with self._lock:
            if self._failures < self._tolerance:
                return True
            if self._clock() < self._shut_until:
                return False
            self._shut_until = self._clock() + self._pause_s
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._shut_until = self._clock() + self._pause_s
