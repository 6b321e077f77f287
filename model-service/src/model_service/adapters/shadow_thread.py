"""The thread in which the shadow scores, one in each process that answers requests."""

from threading import Event, Thread
from time import perf_counter, sleep

from model_service.domain.shadow import Shadow

__all__ = ["ShadowThread"]

# Seconds. Looking around costs less than being woken by every request.
INTERVAL_S = 0.05
# Then it steps back, or requests would wait for the interpreter's own interval of 5 ms; more often costs more than it
# gives, since each time is two changes of thread.
SLICE_S = 0.0005


class ShadowThread:
    """Scores what waits, a slice of time after the other, so that requests come first."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._stopped = Event()

    def start(self) -> None:
        Thread(target=self._run, name="shadow", daemon=True).start()

    def stop(self) -> None:
        """End the thread; what still waits is not scored."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            until = perf_counter() + SLICE_S
            while self._shadow.score_next():
                if perf_counter() > until:
                    sleep(0)
                    until = perf_counter() + SLICE_S
