"""When to stop asking somebody who does not answer."""

from collections.abc import Callable
from threading import Lock


class Breaker:
    """Opens after `tolerance` failures in a row, or one silence.

    Then it admits one try at a time, `pause_s` apart, until one succeeds.
    It keeps a dead model-service from holding all of the server's threads until their deadlines.
    `clock` counts seconds; a try that has not said how it went after `longest_try_s` is given up.
    """

    def __init__(
        self, clock: Callable[[], float], *, tolerance: int = 5, pause_s: float = 0.5, longest_try_s: float = 2.0
    ) -> None:
        self._clock, self._tolerance = clock, tolerance
        self._pause_s, self._longest_try_s = pause_s, longest_try_s
        self._lock = Lock()
        self._failures = 0
        self._shut_until = 0.0

    def admits(self) -> bool:
        """Whether to ask now. While open, one try holds back all others until it has failed or succeeded."""
        with self._lock:
            if self._failures < self._tolerance:
                return True
            if self._clock() < self._shut_until:
                return False
            self._shut_until = self._clock() + self._longest_try_s
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._shut_until = self._clock() + self._pause_s

    def timed_out(self) -> None:
        """A whole deadline without an answer: whoever waits in line must not wait for another one."""
        with self._lock:
            self._failures = self._tolerance
            self._shut_until = self._clock() + self._pause_s
