"""The thread in which the shadow scores, one in each process that answers requests."""

from threading import Event, Thread
from time import sleep

from model_service.domain.shadow import Shadow

__all__ = ["ShadowThread"]

# Looking around costs less than being woken by every request: that is two changes of thread in the midst of a reply.
INTERVAL_S = 0.05


class ShadowThread:
    """Scores what waits, and steps back after every text so that no request waits for more than one."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._stopped = Event()

    def start(self) -> None:
        Thread(target=self._run, name="shadow", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            while self._shadow.score_next():
                sleep(0)
