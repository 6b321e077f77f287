"""Load by wrk, and what it cost: requests, latencies, the server's processor time, everybody else's."""

import json
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it brings no types

from serving_bench.contenders import Dialect
from serving_bench.server import Server

__all__ = ["Run", "batch_texts_per_s", "load", "wrk"]

CONNECTIONS, THREADS = 16, 2
_BATCHES = 5
# wrk asks about another review each time; `done` prints what its own summary rounds.
_SCRIPT = """\
local bodies = {%s}
local turn = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  turn = turn %% #bodies + 1
  return wrk.format(nil, "%s", nil, bodies[turn])
end
done = function(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format('{"requests":%%d,"duration_us":%%d,"p50_us":%%d,"p99_us":%%d,"failed":%%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
"""


@dataclass(frozen=True)
class Run:
    """One round of one server. `others_share`: processor time that neither it nor wrk used, of all there was."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # the server's, a request
    failed: int
    others_share: float


def wrk() -> str:
    """Where wrk is. Raises FileNotFoundError with the remedy."""
    found = shutil.which("wrk")
    if not found:
        raise FileNotFoundError("wrk is not installed: apt-get install wrk")
    return found


def load(server: Server, texts: Sequence[str], folder: Path, seconds: int) -> Run:
    """Sixteen connections ask for `seconds`, after one second that does not count."""
    script = folder / f"{server.port}.lua"
    script.write_text(_script(server.contender.one, texts), encoding="ascii")
    _wrk(server, script, 1)
    cpu, busy, ours, started = server.cpu_s(), _busy_s(), _children_s(), time.perf_counter()
    said = _wrk(server, script, seconds)
    elapsed = time.perf_counter() - started
    spent = server.cpu_s() - cpu
    others = max(_busy_s() - busy - spent - (_children_s() - ours), 0.0)
    return Run(
        requests_per_s=said["requests"] / said["duration_us"] * 1e6,
        p50_ms=said["p50_us"] / 1000,
        p99_ms=said["p99_us"] / 1000,
        cpu_us=spent / max(said["requests"], 1) * 1e6,
        failed=said["failed"],
        others_share=others / (elapsed * psutil.cpu_count()),
    )


def batch_texts_per_s(server: Server, texts: Sequence[str]) -> float | None:
    """Texts a second in requests of a thousand, the median of five; None for a server without batches."""
    if server.contender.many is None:
        return None
    thousand = [texts[place % len(texts)] for place in range(1000)]
    seconds = []
    for _ in range(_BATCHES):
        started = time.perf_counter()
        server.ask(server.contender.many, thousand)
        seconds.append(time.perf_counter() - started)
    return 1000 / statistics.median(seconds)


def _script(dialect: Dialect, texts: Sequence[str]) -> str:
    bodies = ",\n".join(f"[==[{json.dumps(dialect.body([text]))}]==]" for text in texts)
    return _SCRIPT % (bodies, dialect.path)


def _wrk(server: Server, script: Path, seconds: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{server.port}"
    command = [wrk(), f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)  # noqa: S603 - wrk
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
