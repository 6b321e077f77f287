"""The cohort number that keeps a newcomer on the side the gateway sent them to.

Weight w sends cohorts 0..w-1 to v2. The gateway drew the side already; the number is drawn inside that side's range, so
that the second request goes where the first went.
"""

from collections.abc import Callable
from dataclasses import dataclass

COHORTS = 100


@dataclass(frozen=True)
class Newcomer:
    """What the gateway says of a request without a cohort: the release, the side served, v2's weight in percent."""

    release: str
    served_version: str
    canary_weight_percent: int


def draw_cohort(newcomer: Newcomer, randrange: Callable[[int, int], int]) -> int | None:
    """A number 0..99 from the served side's range, drawn by `randrange(start, stop)`; None when that range is empty."""
    weight = newcomer.canary_weight_percent
    start, stop = (0, weight) if newcomer.served_version == "v2" else (weight, COHORTS)
    return randrange(start, stop) if start < stop else None
