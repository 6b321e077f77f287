"""What has to be there before the services start: a model per version, and the store's tables."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from lib_ml.registry import FolderRegistry, RegistryError

from local_stack.home import Home
from local_stack.ports import VERSIONS
from local_stack.programs import migration, script, tethered

__all__ = ["PreparationFailed", "lacking_models", "migrate", "train", "train_lacking"]

MODELS = (*(f"sentiment/{version}" for version in VERSIONS), "moderation/v1", "moderation/mlp")
_MIGRATION_TIMEOUT_S = 60
_TIDY_UP_S = 5


class PreparationFailed(Exception):
    """A step before the start failed; the message names it and what it said."""


def lacking_models(home: Home) -> list[str]:
    """The aliases no bundle stands behind."""
    registry = FolderRegistry(home.registry)
    return [alias for alias in MODELS if not _published(registry, alias)]


def train_lacking(home: Home, say: Callable[[str], None]) -> None:
    """Train and publish when a model lacks; its progress goes to our own output. Raises PreparationFailed."""
    if not (lacking := lacking_models(home)):
        return
    say(f"training {' and '.join(lacking)}: there is no model yet")
    train(home, None)
    if lacking := lacking_models(home):
        raise PreparationFailed(f"training has published no {' and no '.join(lacking)}")


def train(home: Home, data: Path | None) -> None:
    """Train on the file `data` (None: the source params.yaml names) and publish. Raises PreparationFailed.

    Waits while another stack trains in this checkout; model-training sees to that.
    """
    command = tethered("TERM", script("model-training"), "train", *(("--data", str(data)) if data else ()))
    code = _run_to_end(command, {**os.environ, "PALATE_REGISTRY": str(home.registry)})
    if code:
        raise PreparationFailed(f"training ended with code {code}; the reason stands above")


def migrate(home: Home) -> None:
    """Bring the store to the tables the apps expect. Raises PreparationFailed."""
    program = migration(home)
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            tethered("KILL", *program.command),
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_MIGRATION_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PreparationFailed(f"migrating the store took more than {_MIGRATION_TIMEOUT_S} s") from None
    home.log("migration").write_text(done.stdout, encoding="utf-8")
    if done.returncode:
        raise PreparationFailed(f"migrating the store ended with code {done.returncode}:\n{done.stdout[-2000:]}")


def _run_to_end(command: tuple[str, ...], environment: dict[str, str]) -> int:
    """Run the command with our output and return its exit code; when we are ended, it may tidy up first."""
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as process:  # noqa: S603 - our own program
        try:
            return process.wait()
        except BaseException:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_TIDY_UP_S)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _published(registry: FolderRegistry, alias: str) -> bool:
    try:
        return registry.bundle_folder(registry.resolve(alias)).is_dir()
    except RegistryError:
        return False
