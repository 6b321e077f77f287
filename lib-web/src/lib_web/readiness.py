"""Whether a service can answer now."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Readiness", "announce_end", "is_ending"]

_ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Readiness:
    """`detail` is for the operator, on /readyz: JSON values only, no secrets."""

    ready: bool
    detail: dict[str, Any] = field(default_factory=dict)


def announce_end(folder: Path) -> None:
    """Tell all workers that share `folder` that their program ends soon."""
    (folder / _ENDING).touch()


def is_ending(folder: Path) -> bool:
    """Whether the end was announced to the workers that share `folder`."""
    return (folder / _ENDING).exists()
