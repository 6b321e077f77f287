"""Whether a service can answer now."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Readiness"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """`detail` is for the operator, on /readyz: JSON values only, no secrets."""

    ready: bool
    detail: dict[str, Any] = field(default_factory=dict)
