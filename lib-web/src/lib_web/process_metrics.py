"""The `process_*` figures of a whole program: its master and its workers, as Linux tells them."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["ProgramCollector"]

_PROC = Path("/proc")
# Places in /proc/<pid>/stat after the name, as proc(5) counts them less three.
_UTIME, _STIME, _CUTIME, _CSTIME, _STARTED = 11, 12, 13, 14, 19


class ProgramCollector(Collector):
    """Nothing where there is no /proc."""

    def __init__(self, master: int) -> None:
        self._master = master

    def collect(self) -> Iterator[Metric]:
        master = _stat(self._master)
        if master is None:
            return
        workers = _children(self._master)
        stats = [stat for pid in workers if (stat := _stat(pid)) is not None]
        # The kernel adds a dead worker's time to its parent's children's, so the sum never goes backwards.
        ticks = sum(master[_UTIME : _CSTIME + 1]) + sum(stat[_UTIME] + stat[_STIME] for stat in stats)
        pids = [self._master, *workers]
        per_second = os.sysconf("SC_CLK_TCK")
        yield CounterMetricFamily("process_cpu_seconds", "CPU time of all processes", ticks / per_second)
        yield _gauge("process_resident_memory_bytes", "Memory, shared pages counted once", sum(map(_memory, pids)))
        yield _gauge("process_open_fds", "Open files of all processes", sum(map(_open_files, pids)))
        yield _gauge("process_max_fds", "How many each may open", resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        yield _gauge("process_start_time_seconds", "Start since 1970", _booted() + master[_STARTED] / per_second)
        yield _gauge("palate_workers", "Processes that answer requests", len(stats))


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _children(pid: int) -> list[int]:
    return [int(child) for task in _PROC.glob(f"{pid}/task/*/children") for child in _read(task).split()]


def _stat(pid: int) -> list[int] | None:
    _, _, fields = _read(_PROC / str(pid) / "stat").rpartition(") ")
    # The first is the state's letter.
    return [0, *map(int, fields.split()[1:])] if fields else None


def _memory(pid: int) -> int:
    for line in _read(_PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _open_files(pid: int) -> int:
    try:
        return sum(1 for _ in (_PROC / str(pid) / "fd").iterdir())
    except OSError:
        return 0


def _booted() -> float:
    for line in _read(_PROC / "stat").splitlines():
        if line.startswith("btime"):
            return float(line.split()[1])
    return 0.0


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
