"""The release this stack is in, kept in release.json, and its routes for the gateway."""

import json
from pathlib import Path
from typing import Any

from release_manager import RoutingState, rds_document, routes, write_rds
from release_manager.adapters import rds_version

from local_stack.home import Home

__all__ = ["FIRST_RELEASE", "ReleaseFileDamaged", "apply_release", "read_release", "write_release"]

FIRST_RELEASE = RoutingState(release="r1", weight_percent=10)


class ReleaseFileDamaged(Exception):
    """release.json does not hold a release; the message says what is wrong and how to mend it."""


def read_release(home: Home) -> RoutingState:
    """The release on file, or the first one when there is no file. Raises ReleaseFileDamaged."""
    try:
        kept = json.loads(home.release_file.read_text(encoding="utf-8"))
        return RoutingState(release=kept["release"], weight_percent=kept["weight_percent"])
    except FileNotFoundError:
        return FIRST_RELEASE
    except (ValueError, KeyError, TypeError) as error:
        mend = 'write {"release": "r1", "weight_percent": 10} into it, or remove it'
        raise ReleaseFileDamaged(f"{home.release_file} holds no release ({error}); {mend}") from error


def write_release(home: Home, state: RoutingState) -> None:
    """Put the release on file, in one step."""
    kept: dict[str, Any] = {"release": state.release, "weight_percent": state.weight_percent}
    draft = Path(f"{home.release_file}.new")
    draft.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    draft.replace(home.release_file)


def apply_release(home: Home, state: RoutingState) -> str:
    """Put the release on file, then its routes before the gateway; returns the routes' version.

    In this order, so that a stack that is killed in between starts again with the routes that were wanted.
    """
    with home.release_held():
        write_release(home, state)
        document = rds_document(routes(state))
        write_rds(document, home.rds)
    return rds_version(document)
