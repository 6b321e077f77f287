"""What each worker has loaded, in a file of its own in the folder they share: any worker can tell of all."""

import json
import os
from pathlib import Path
from typing import Any

from lib_web.workers import Worker

from model_service.domain import Models, model_state

__all__ = ["WorkerStates"]


class WorkerStates:
    """The states of all workers, seen from one of them."""

    def __init__(self, worker: Worker, models: Models) -> None:
        self._worker = worker
        self._models = models
        self._written: bytes = b""

    def write(self) -> None:
        """Write this worker's state if it changed; whole or not at all."""
        state = json.dumps(self._own()).encode()
        if state == self._written:
            return
        file = self._worker.folder / f"models-{self._worker.number}.json"
        draft = file.with_suffix(".draft")
        draft.write_bytes(state)
        draft.replace(file)
        self._written = state

    def all(self) -> list[dict[str, Any]]:
        """Each worker's state, by number; this one's as it is now, the others' as they last wrote it."""
        found = {self._worker.number: self._own()}
        for file in self._worker.folder.glob("models-*.json"):
            state = _read(file)
            if state is not None:
                found.setdefault(state["worker"], state)
        return [found[number] for number in sorted(found)]

    def _own(self) -> dict[str, Any]:
        return {
            "worker": self._worker.number,
            "pid": os.getpid(),
            "models": {active.alias: model_state(active) for active in self._models.all},
        }


def _read(file: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return state
