"""How often a caller may call: reading limits, whom they hold for, and a moving window of fixed size.

A window of n seconds is kept as counts of its hundredths, so that it takes 420 bytes whatever the limit. It covers the
last 100 hundredths and the running one: never less than n seconds, so never more than the limit is let through
in any n seconds, and at most 1 % longer.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv6Network

from limits import RateLimitItem, parse_many

from model_service.domain.caller import Caller
from model_service.domain.usage import bounded_name

__all__ = ["WINDOW_BYTES", "MovingWindow", "Standing", "limited_as", "read_limit"]

_PARTS = 100
_CELLS = _PARTS + 1
_HEAD = struct.Struct("<QII")  # last part hit, hits in the window, second of the last hit; since the clock's zero
_HEAD_CELLS = _HEAD.size // 4
WINDOW_BYTES = _HEAD.size + _CELLS * 4
_MAX_HITS = 1_000_000_000
# A household, or one customer of a host: addresses inside it cost their owner nothing.
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands to its limit after a call, which was `allowed` or not."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int  # seconds until the oldest calls leave the window, and as many are free again


def read_limit(text: str) -> RateLimitItem:
    """`text`, such as "100/minute" or "200 per 10 seconds", as a limit. Raises ValueError."""
    try:
        limits = parse_many(text)
    except ValueError:
        limits = []
    if len(limits) != 1 or not 1 <= limits[0].amount <= _MAX_HITS or limits[0].get_expiry() < 1:
        raise ValueError('must be one limit such as "100/minute" or "200 per 10 seconds", at least 1')
    return limits[0]


def limited_as(caller: Caller) -> tuple[str, str]:
    """Whose calls are counted together: those of a token's name, else of an address, IPv6 by /64."""
    if caller.name is not None:
        return "token", bounded_name(caller.name)
    if ":" in caller.address:
        return "address", str(IPv6Network((caller.address.partition("%")[0], _IPV6_PREFIX), strict=False))
    return "address", caller.address


class MovingWindow:
    """The hits of one caller in the last seconds; `record` is all of its state."""

    def __init__(self, seconds: int, record: bytes | None, now_s: float) -> None:
        """`now_s`: of a clock that never goes back; `record`: as it was last, None for a new caller."""
        self._now_s = now_s
        self._part_s = seconds / _PARTS
        newest, self.hits, _ = _HEAD.unpack_from(record) if record else (0, 0, 0)
        self._part: int = max(newest, int(now_s / self._part_s))
        if newest < self._part - _PARTS:
            record, self.hits = None, 0
        self.record = bytearray(record or WINDOW_BYTES)
        self._cells = memoryview(self.record).cast("I")
        if record:
            self._forget(newest)

    def _forget(self, newest: int) -> None:
        """Drop the parts that have left the window since the part `newest` ran."""
        for part in range(newest + 1, self._part + 1):
            cell = _HEAD_CELLS + part % _CELLS
            self.hits -= self._cells[cell]
            self._cells[cell] = 0

    def hit(self, limit: int, amount: int = 1) -> bool:
        """Take `amount` of the limit if there is so much left."""
        if self.hits + amount > limit:
            return False
        self.hits += amount
        self._cells[_HEAD_CELLS + self._part % _CELLS] += amount
        _HEAD.pack_into(self.record, 0, self._part, self.hits, int(self._now_s))
        return True

    def oldest_leaves_s(self) -> float:
        """When the oldest hits leave the window, in the clock's seconds; now when there are none."""
        if not self.hits:
            return self._part * self._part_s
        cells, cut = self.record[_HEAD.size :], (self._part + 1) % _CELLS * 4
        oldest_first = cells[cut:] + cells[:cut]
        empty = (len(oldest_first) - len(oldest_first.lstrip(b"\0"))) // 4
        return (self._part - _PARTS + empty + _CELLS) * self._part_s

    @staticmethod
    def last_hit_s(record: bytes) -> int:
        """The second of the last hit, by the clock that the windows are read with."""
        return int(_HEAD.unpack_from(record)[2])
