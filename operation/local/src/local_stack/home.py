"""The folder that holds a stack's state, and who has it in use."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Home", "HomeInUse"]

_KEY_BYTES = 32


class HomeInUse(Exception):
    """Another stack runs on this folder; the message names its process."""


@dataclass(frozen=True)
class Home:
    """PALATE_HOME, absolute, and the places in it."""

    root: Path

    @property
    def registry(self) -> Path:
        return self.root / "registry"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def supervisor(self) -> Path:
        return self.root / "supervisor"

    @property
    def release_file(self) -> Path:
        return self.root / "release.json"

    @property
    def prediction_key(self) -> Path:
        return self.root / "prediction.key"

    @property
    def app_token(self) -> Path:
        """What the apps send to the model-services: one token, alone in its file."""
        return self.root / "app.token"

    @property
    def moderator_token(self) -> Path:
        """What opens the apps' /moderation."""
        return self.root / "moderator.token"

    @property
    def tokens(self) -> Path:
        """Whom the model-services let in: lines of `name: token`, the app's among them."""
        return self.root / "tokens.yaml"

    @property
    def bootstrap(self) -> Path:
        return self.root / "envoy" / "bootstrap.json"

    @property
    def rds(self) -> Path:
        # Alone in its folder: Envoy looks at the file again whenever anything is renamed beside it.
        return self.root / "envoy" / "routes" / "routes.json"

    def database(self, name: str) -> str:
        """The SQLAlchemy URL of the SQLite file `name`.db."""
        return f"sqlite:///{self.root / name}.db"

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def prepare(self) -> None:
        """Make the folders, the key that signs prediction ids and the tokens; what is there stays."""
        for folder in (self.root, self.registry, self.logs, self.supervisor, self.rds.parent):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.prediction_key.exists():
            _write_secret(self.prediction_key, secrets.token_bytes(_KEY_BYTES))
        for token in (self.app_token, self.moderator_token):
            if not token.exists():
                _write_secret(token, secrets.token_urlsafe(_KEY_BYTES).encode())
        if not self.tokens.exists():
            _write_secret(self.tokens, b"app: " + self.app_token.read_bytes() + b"\n")

    @contextmanager
    def held(self, port: int) -> Iterator[None]:
        """Keep the folder for this process and say on which port it runs. Raises HomeInUse."""
        with self._running_file.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HomeInUse(f"{self.root} is in use by a running stack ({_described(self._note())})") from None
            file.truncate(0)
            json.dump({"pid": os.getpid(), "port": port}, file)
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def running_port(self) -> int | None:
        """The gateway's port of the stack that runs on this folder; None when none does."""
        if not self._running_file.exists():
            return None
        with self._running_file.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                port = self._note().get("port")
                return port if isinstance(port, int) else None
        return None

    @contextmanager
    def release_held(self) -> Iterator[None]:
        """One change of the release at a time."""
        with (self.root / "release.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @property
    def _running_file(self) -> Path:
        return self.root / "running.json"

    def _note(self) -> dict[str, Any]:
        try:
            note = json.loads(self._running_file.read_text(encoding="utf-8"))
        except ValueError:
            return {}
        return note if isinstance(note, dict) else {}


def _described(note: dict[str, Any]) -> str:
    return f"process {note['pid']}, port {note['port']}" if {"pid", "port"} <= note.keys() else "just starting"


def _write_secret(path: Path, secret: bytes) -> None:
    """Whole or not at all, and never readable by others."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
