"""What was counted, ever: the tally in memory over the store that has it through restarts."""

import threading
from collections.abc import Callable, Iterable
from time import time

import structlog

from model_service.adapters.call_tally import CallTally
from model_service.domain.statistics import DAYS, WINDOWS, CountsNotStored, CountStore, Row, Window

__all__ = ["CallCounts"]

STORED_EVERY_S = 1.0
_FORGOTTEN_EVERY = 60  # times of storing

log = structlog.get_logger()


class CallCounts:
    """Stores the tally once a second in a thread of its own, and answers from both.

    What a worker has counted in a window is stored under that worker's own key and always as a whole, so storing it
    again after a failure, or by the successor of a killed worker, changes nothing. While the store fails, the tally
    goes on counting in memory, and all that it holds is stored when the store is back.
    """

    def __init__(self, tally: CallTally, open_store: Callable[[], CountStore]) -> None:
        """`open_store` raises CountsNotStored; it is called again until it succeeds."""
        self.tally = tally
        self._open_store = open_store
        self._store: CountStore | None = None
        self._storing = threading.Lock()
        self._rounds = 0
        self._stopped = threading.Event()
        # Why the store was not reached, last time; None: it was.
        self.fault: str | None = None

    def start(self) -> None:
        """Store from here on; the thread ends with the process."""
        self.keep()
        threading.Thread(target=self._keep_on, name="call-counts", daemon=True).start()

    def stop(self) -> None:
        """Store what is left."""
        self._stopped.set()
        self.keep()
        with self._storing:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _keep_on(self) -> None:
        while not self._stopped.wait(STORED_EVERY_S):
            self.keep()

    def keep(self) -> None:
        """Store what was counted since the last time. Never raises."""
        with self._storing:
            try:
                self._keep()
            except CountsNotStored as error:
                self._fail(str(error))
            except Exception as error:
                # The thread must go on, whatever a store comes up with.
                log.exception("counts_not_stored")
                self._fail(type(error).__name__)
            else:
                if self.fault is not None:
                    log.info("counts_stored_again", was=self.fault)
                self.fault = None

    def _keep(self) -> None:
        if self._store is None:
            self._store = self._open_store()
        # A store that was away may have lost what it had: it gets everything again, and is asked even without rows.
        was_away = self.fault is not None
        rows = self.tally.unstored(everything=was_away)
        if rows or was_away:
            self._store.put(rows)
            self.tally.stored(rows)
        if self._rounds % _FORGOTTEN_EVERY == 0:
            for window in (*WINDOWS.values(), DAYS):
                self._store.forget(window, window.number(time()) - window.kept)
        self._rounds += 1

    def _fail(self, reason: str) -> None:
        if self.fault is None:
            log.warning("counts_not_stored", reason=reason)
        self.fault = reason

    def calls(self, window: Window, first: int, last: int) -> list[Row]:
        """Everybody's calls in the windows numbered `first` to `last`."""
        return self._with_stored(window, first, last, "", lambda: self.tally.calls(window, first, last))

    def metered(self, name: str, first: int, last: int) -> list[Row]:
        """What the caller `name` used on the days numbered `first` to `last`."""
        return self._with_stored(DAYS, first, last, name, lambda: self.tally.metered(name, first, last))

    def _with_stored(
        self, window: Window, first: int, last: int, subject: str, counted: Callable[[], Iterable[Row]]
    ) -> list[Row]:
        rows = self._stored(window, first, last, subject)
        # The store first: what it has of a living worker is replaced by that worker's memory, which knows more.
        return list({row.key: row for row in (*rows, *counted())}.values())

    def _stored(self, window: Window, first: int, last: int, subject: str) -> list[Row]:
        if self._store is None or self.fault is not None:
            return []
        try:
            return self._store.rows(window, first, last, subject)
        except CountsNotStored as error:
            self._fail(str(error))
            return []
