"""Calls and characters counted in memory that all workers share, so that a count is exact at once.

Each worker writes one file, `tally.<number>`, and reads everybody's. A file has one writer at a time; the worker that
takes a dead one's place goes on in its file, so a kill -9 loses nothing that was counted.

    calls      for each window a ring of slots of 32-bit cells: number of the window, sum last stored, one cell an API
    metering   entries of 96 bytes: day, length of the name, calls, characters, calls last stored, name

A slot's place follows from its window's number. The rings are an hour longer than what is kept, so that a clock
that is set back by an hour finds other slots than those of the hour it has already seen, or adds to its own.
"""

import mmap
import os
import secrets
import struct
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import time

import numpy as np
from numpy.typing import NDArray

from model_service.domain.statistics import APIS, DAYS, WINDOWS, Row, Window
from model_service.domain.usage import NAME_BYTES, OTHERS, bounded_name

__all__ = ["CallTally"]

_WRITER_BYTES = 8
_HEADER_BYTES = 64
_STAMP, _STORED, _COUNTS = 0, 1, 2  # cells of a slot
_SLOT_CELLS = 24
_CELL_BYTES = 4
_CLOCK_STEP_S = 3_600
_ENTRY = struct.Struct(f"<IIQQQ{NAME_BYTES}s")  # see above
_ENTRIES = 512
# Entries that names may take; the rest is for the ones who find no room, one entry a day.
_NAMED_ENTRIES = _ENTRIES - 8

Counts = NDArray[np.uint32]


def _ring_slots(window: Window) -> int:
    return window.kept + max(2, _CLOCK_STEP_S // window.seconds)


def _ring_starts() -> dict[str, int]:
    starts, cell = {}, _HEADER_BYTES // _CELL_BYTES
    for window in WINDOWS.values():
        starts[window.name] = cell
        cell += _ring_slots(window) * _SLOT_CELLS
    return starts | {DAYS.name: cell}


_STARTS = _ring_starts()
_METERING_AT = _STARTS[DAYS.name] * _CELL_BYTES
_FILE_BYTES = _METERING_AT + _ENTRIES * _ENTRY.size


class _TallyFile:
    """One writer's counts, mapped."""

    def __init__(self, memory: mmap.mmap) -> None:
        self.memory = memory
        self.cells = memoryview(memory).cast("I")
        self.writer = bytes(memory[:_WRITER_BYTES]).hex()

    @classmethod
    def alone(cls) -> "_TallyFile":
        """In the memory of this process, shared with nobody."""
        memory = mmap.mmap(-1, _FILE_BYTES)
        memory[:_WRITER_BYTES] = secrets.token_bytes(_WRITER_BYTES)
        return cls(memory)

    @classmethod
    def at(cls, path: Path) -> "_TallyFile":
        """Raises OSError when there is none."""
        descriptor = os.open(path, os.O_RDWR)
        try:
            return cls(mmap.mmap(descriptor, _FILE_BYTES))
        finally:
            os.close(descriptor)

    @classmethod
    def made_at(cls, path: Path) -> "_TallyFile":
        """The one that is there, else a new one, which other processes see only when it is whole."""
        if not path.exists():
            new = path.with_name(f"new-{path.name}")
            with new.open("wb") as file:
                # All of it now: memory that is missing later would end the process with SIGBUS.
                file.write(secrets.token_bytes(_WRITER_BYTES).ljust(_FILE_BYTES, b"\0"))
            new.rename(path)
        return cls.at(path)

    def ring(self, window: Window) -> Counts:
        """The window's slots: shape (slots, cells of a slot)."""
        slots = _ring_slots(window)
        at = _STARTS[window.name] * _CELL_BYTES
        return np.frombuffer(self.memory, np.uint32, slots * _SLOT_CELLS, at).reshape(slots, _SLOT_CELLS)

    def slot(self, window: Window, number: int) -> int:
        """The first cell of the slot that belongs to the window `number`."""
        return _STARTS[window.name] + number % _ring_slots(window) * _SLOT_CELLS

    def row(self, window: Window, number: int) -> Row | None:
        """What was counted in the window `number`."""
        cells, slot = self.cells, self.slot(window, number)
        if cells[slot + _STAMP] != number:
            return None
        return self._row(window, cells[slot : slot + _SLOT_CELLS])

    def _row(self, window: Window, slot: "memoryview[int] | Counts") -> Row:
        counts = {api: int(slot[_COUNTS + index]) for index, api in enumerate(APIS) if slot[_COUNTS + index]}
        return Row(window.name, int(slot[_STAMP]), self.writer, "", counts)

    def unstored(self, window: Window, *, everything: bool) -> list[Row]:
        """Rows of the ring that have counted more than was stored."""
        ring = self.ring(window)
        known = 0 if everything else ring[:, _STORED]
        changed = np.flatnonzero(ring[:, _COUNTS:].sum(axis=1, dtype=np.uint32) != known)
        return [self._row(window, slot) for slot in ring[changed]]

    def stored(self, window: Window, row: Row) -> None:
        """Note that `row` is in the store."""
        slot = self.slot(window, row.number)
        if self.cells[slot + _STAMP] == row.number:
            self.cells[slot + _STORED] = sum(row.counts.values()) & 0xFFFFFFFF

    def entries(self) -> Iterator[tuple[int, tuple[int, int, int, int, int, bytes]]]:
        """The used metering entries with their places."""
        entries = _ENTRY.iter_unpack(self.memory[_METERING_AT:_FILE_BYTES])
        return ((place, entry) for place, entry in enumerate(entries) if entry[0])

    def metered(self, *, everything: bool = True) -> Iterator[Row]:
        """The rows of metering, or those that have counted more than was stored."""
        for _, (day, length, calls, characters, stored, name) in self.entries():
            if everything or calls != stored:
                subject = name[:length].decode()
                yield Row(DAYS.name, day, self.writer, subject, {"calls": calls, "characters": characters})


class CallTally:
    """The counts of this process, and those of all workers. Safe for threads; counting never raises or waits."""

    def __init__(self) -> None:
        """Until `join`, it counts for this process alone."""
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._others: dict[Path, _TallyFile] = {}
        self._use(_TallyFile.alone())

    def join(self, folder: Path, number: int) -> None:
        """From here on be the writer of `tally.<number>` in the workers' common `folder`."""
        self._folder = folder
        self._use(_TallyFile.made_at(folder / f"tally.{number}"))

    def _use(self, mine: _TallyFile) -> None:
        self._mine = mine
        self._cells = mine.cells
        self._now = -1
        self._second = self._minute = self._hour = 0
        self._places = {(entry[0], entry[5][: entry[1]]): place for place, entry in mine.entries()}

    def count(self, api: int) -> None:
        """One call of APIS[api], now."""
        now = int(time())
        with self._lock:
            if now != self._now:
                self._turn_to(now)
            cells = self._cells
            cells[self._second + api] += 1
            cells[self._minute + api] += 1
            cells[self._hour + api] += 1

    def _turn_to(self, now: int) -> None:
        """Point at the slots of the second `now`."""
        self._second, self._minute, self._hour = (
            self._clean_slot(window, window.number(now)) + _COUNTS for window in WINDOWS.values()
        )
        self._now = now

    def _clean_slot(self, window: Window, number: int) -> int:
        slot = self._mine.slot(window, number)
        if self._cells[slot + _STAMP] != number:
            # The number last: a reader must not take the old counts for the new window's.
            self._cells[slot + _STAMP] = 0
            for cell in range(slot + _STORED, slot + _SLOT_CELLS):
                self._cells[cell] = 0
            self._cells[slot + _STAMP] = number
        return slot

    def meter(self, name: str, characters: int) -> None:
        """One call today by the caller `name`, who had `characters` characters classified."""
        encoded, day = bounded_name(name).encode(), DAYS.number(time())
        with self._lock:
            place = self._places.get((day, encoded))
            if place is None:
                place = self._place_for(day, encoded)
            at = _METERING_AT + place * _ENTRY.size
            day, length, calls, all_characters, stored, encoded = _ENTRY.unpack_from(self._mine.memory, at)
            entry = (day, length, calls + 1, all_characters + characters, stored, encoded)
            _ENTRY.pack_into(self._mine.memory, at, *entry)

    def _place_for(self, day: int, name: bytes) -> int:
        """A new entry's place; where names have no room left, that of the others."""
        used = dict(self._mine.entries())
        if len(used) >= _NAMED_ENTRIES:
            self._free(used, day)
        if len(used) >= _NAMED_ENTRIES:
            name = OTHERS.encode()
        place = self._places.get((day, name))
        if place is None:
            free = (place for place in range(_ENTRIES) if place not in used)
            place = next(free, min(used, key=lambda each: used[each][0], default=0))
            _ENTRY.pack_into(self._mine.memory, _METERING_AT + place * _ENTRY.size, day, len(name), 0, 0, 0, name)
            self._places = {key: other for key, other in self._places.items() if other != place}
            self._places[(day, name)] = place
        return place

    def _free(self, used: dict[int, tuple[int, int, int, int, int, bytes]], day: int) -> None:
        """Drop the entries that are in the store and whose day is over, yesterday excepted: clocks are set back."""
        for place, entry in list(used.items()):
            if entry[0] < day - 1 and entry[2] == entry[4]:
                del used[place]
                self._places.pop((entry[0], entry[5][: entry[1]]), None)
                _ENTRY.pack_into(self._mine.memory, _METERING_AT + place * _ENTRY.size, 0, 0, 0, 0, 0, b"")

    def unstored(self, *, everything: bool) -> list[Row]:
        """What this worker has counted since it was last stored, or all that it has."""
        with self._lock:
            rows = [row for window in WINDOWS.values() for row in self._mine.unstored(window, everything=everything)]
            return [*rows, *self._mine.metered(everything=everything)]

    def stored(self, rows: Iterable[Row]) -> None:
        """Note that these are in the store."""
        with self._lock:
            days = {}
            for row in rows:
                if row.window == DAYS.name:
                    days[(row.number, row.subject.encode())] = row.counts["calls"]
                else:
                    self._mine.stored(WINDOWS[row.window], row)
            for key, calls in days.items():
                self._metering_stored(key, calls)

    def _metering_stored(self, key: tuple[int, bytes], calls: int) -> None:
        place = self._places.get(key)
        if place is not None:
            at = _METERING_AT + place * _ENTRY.size
            *counts, _, name = _ENTRY.unpack_from(self._mine.memory, at)
            _ENTRY.pack_into(self._mine.memory, at, *counts, calls, name)

    def calls(self, window: Window, first: int, last: int) -> list[Row]:
        """What all workers have counted in the windows `first` to `last`."""
        numbers = range(first, last + 1)
        rows = (file.row(window, number) for file in self._files() for number in numbers)
        return [row for row in rows if row is not None]

    def metered(self, name: str, first: int, last: int) -> list[Row]:
        """What all workers have metered for `name` on the days `first` to `last`."""
        rows = (row for file in self._files() for row in file.metered())
        return [row for row in rows if row.subject == name and first <= row.number <= last]

    def _files(self) -> list[_TallyFile]:
        if self._folder is None:
            return [self._mine]
        for path in self._folder.glob("tally.*"):
            if path not in self._others:
                self._others[path] = _TallyFile.at(path)
        return list(self._others.values())
